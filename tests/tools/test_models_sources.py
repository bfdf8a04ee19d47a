"""`python -m tools.models`: archives, Python packages, files of one's own, and the catalogue."""

import hashlib
import json

import pytest

from relay.models import MANIFEST, problems
from tests.tools.model_server import Fault
from tests.tools.model_workshop import BIG, SMALL, closed_port, make_wheel, zipped
from tools.models.catalogue import CATALOGUE, CatalogueError, WebSource, WheelSource, load


def test_an_archive_is_unpacked_and_what_it_held_is_recorded(shop):
    archive = zipped({"top/am/final.mdl": BIG, "top/README": SMALL, "other": b"no"})
    digest = hashlib.sha256(archive).hexdigest()
    shop.server.files["/bear.zip"] = archive
    shop.server.faults["/bear.zip"] = [Fault.BREAK_OFF]
    shop.add(
        f'[bear]\n[[bear.sources]]\narchive = "{shop.server.address}/bear.zip"\n'
        f'size = {len(archive)}\nsha256 = "{digest}"\nfolder = "top"',
        "bear",
    )
    assert shop.run("get", "bear") == 0
    folder = shop.models / "bear"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "README",
        "final.mdl",
        MANIFEST,
    ]
    assert problems(folder) == []


def test_an_archive_cannot_write_outside_its_folder(shop, tmp_path):
    archive = zipped({"top/../../../../escaped": BIG})
    digest = hashlib.sha256(archive).hexdigest()
    shop.server.files["/bear.zip"] = archive
    shop.add(
        f'[bear]\n[[bear.sources]]\narchive = "{shop.server.address}/bear.zip"\n'
        f'size = {len(archive)}\nsha256 = "{digest}"\nfolder = "top"',
        "bear",
    )
    assert shop.run("get", "bear") == 1
    assert not list(tmp_path.rglob("escaped"))


@pytest.fixture
def wheels(shop, tmp_path, monkeypatch):
    """Two packages, found in a folder instead of an index."""
    folder = tmp_path / "wheels"
    half = len(BIG) // 2
    make_wheel(folder, "bear_one", {"one/b.0": BIG[:half], "one/sub/small.json": SMALL})
    make_wheel(folder, "bear_two", {"two/b.1": BIG[half:]})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return (
        '[[bear.sources]]\nwheels = ["bear-one==1.0", "bear-two==1.0"]\nfolder = "one"\n'
        '[bear.sources.parts]\n"big.bin" = ["one/b.0", "two/b.1"]\n'
    )


def test_python_packages_carry_a_model_in_parts(shop, wheels):
    shop.describe(wheels)
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()


def test_packages_are_used_when_the_web_is_closed(shop, wheels):
    shop.describe(shop.web(address=f"http://127.0.0.1:{closed_port()}") + wheels)
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()


def test_a_package_that_is_missing_is_said_in_one_line(shop, wheels, capsys):
    shop.describe(wheels.replace("bear-two", "bear-three"))
    assert shop.run("get", "bear") == 1
    assert "bear-three" in capsys.readouterr().err


def test_a_package_with_other_bytes_is_not_used(shop, wheels, tmp_path):
    make_wheel(tmp_path / "wheels", "bear_two", {"two/b.1": bytes(len(BIG) // 2)})
    shop.describe(wheels)
    assert shop.run("get", "bear") == 1
    assert not (shop.models / "bear").exists()


def test_the_starter_set_does_with_another_model_where_it_can(shop, capsys):
    shop.describe(
        shop.web(address=f"http://127.0.0.1:{closed_port()}"),
        extra='starter = true\ninstead = "fox"',
    )
    shop.describe(shop.web(name="fox"), name="fox", extra="starter = true")
    assert shop.run("get") == 0
    assert "fox does its work" in capsys.readouterr().err
    # Who asks for it by name wants it and nothing else.
    assert shop.run("get", "bear") == 1


def test_a_file_of_ones_own_is_added_with_its_hash(shop, tmp_path, capsys):
    own = tmp_path / "Own-Model.gguf"
    own.write_bytes(BIG)
    assert shop.run("add", str(own)) == 0
    assert hashlib.sha256(BIG).hexdigest() in capsys.readouterr().out
    assert problems(shop.models / "own-model") == []
    assert shop.run("add", str(own)) == 2
    assert shop.run("add", str(own), "--name", "../outside") == 2
    assert shop.run("add", str(tmp_path / "nothing"), "--name", "n") == 2


def test_unknown_names_and_commands_are_explained(shop, capsys):
    assert shop.run("get", "dragon") == 2
    assert "Not in the catalogue: dragon" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        shop.run()
    assert ended.value.code == 2


def test_the_list_tells_what_is_here(shop, capsys):
    shop.describe(shop.web())
    shop.run("get", "bear")
    capsys.readouterr()
    assert shop.run("list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "bear"
    assert row["installed"] is True
    assert shop.run("list") == 0
    assert "bear" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        '[a]\nkind = "llm"\ntitle = ""\nlicence = ""\nsources = []\n'
        'files = [{ path = "../x", size = 1, sha256 = "' + "0" * 64 + '" }]',
        '[a]\nkind = "llm"\ntitle = ""\nlicence = ""\nsources = []\n'
        'files = [{ path = "x", size = 1, sha256 = "" }]',
        '[a]\nkind = "llm"\ntitle = ""\nlicence = ""\nsources = [{ web = "http://x" }]',
        '[a]\nkind = "llm"\ntitle = ""\nlicence = ""\nsources = []\ninstead = "b"\nfiles = []',
    ],
)
def test_a_catalogue_that_cannot_be_is_refused(tmp_path, text):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(CatalogueError):
        load(tmp_path / "c.toml")


def test_the_catalogue_that_ships_holds_a_starter_set_that_needs_no_open_web():
    models = load(CATALOGUE)
    starter = [model for model in models.values() if model.starter]
    assert {model.kind for model in starter} == {"stt", "llm", "tts", "safety"}
    for model in starter:
        reachable = models[model.instead] if model.instead else model
        assert any(isinstance(source, WheelSource) for source in reachable.sources)
    for model in models.values():
        for source in model.sources:
            if isinstance(source, WebSource):
                assert source.address.startswith("https://")
