"""`python -m tools.models`: from every kind of source, through every kind of fault."""

import hashlib
import io
import json
import resource
import shutil
import socket
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from relay.models import MANIFEST, problems
from tests.tools.model_server import Fault, ModelServer, serving
from tools.models import download
from tools.models.__main__ import main
from tools.models.catalogue import CATALOGUE, CatalogueError, WebSource, WheelSource, load

BIG = bytes(range(256)) * 1500
SMALL = b'{"small": true}'


def record(path: str, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f'{{ path = "{path}", size = {len(data)}, sha256 = "{digest}" }}'


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


class Workshop:
    """A catalogue, a models folder and a server."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.server = server
        self.models = folder / "models"
        self.catalogue = folder / "models.toml"
        self.catalogue.write_text("")

    def describe(self, sources: str, *, name: str = "bear", extra: str = "") -> None:
        files = f"{record('big.bin', BIG)}, {record('sub/small.json', SMALL)}"
        self.add(f"[{name}]\nfiles = [{files}]\n{extra}\n{sources}", name)

    def add(self, table: str, name: str) -> None:
        head, _, rest = table.partition("\n")
        facts = 'kind = "llm"\ntitle = "A bear"\nlicence = "MIT"\n'
        self.catalogue.write_text(self.catalogue.read_text() + f"{head}\n{facts}{rest}\n")

    def web(self, *, name: str = "bear", address: str | None = None) -> str:
        return f'[[{name}.sources]]\nweb = "{address or self.server.address + "/bear"}"\n'

    def run(self, *arguments: str) -> int:
        return main(
            ["--models-dir", str(self.models), "--catalogue", str(self.catalogue), *arguments]
        )

    def is_whole(self, name: str = "bear") -> bool:
        folder = self.models / name
        return (
            problems(folder) == []
            and (folder / "big.bin").read_bytes() == BIG
            and (folder / "sub/small.json").read_bytes() == SMALL
        )


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE_S", 0)
    with serving() as server:
        server.files = {"/bear/big.bin": BIG, "/bear/sub/small.json": SMALL}
        yield Workshop(tmp_path, server)


def test_a_model_comes_from_the_web_once(shop):
    shop.describe(shop.web())
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()
    asked = len(shop.server.asked)
    assert shop.run("get", "bear") == 0
    assert len(shop.server.asked) == asked


def test_a_broken_download_goes_on_where_it_stopped(shop):
    shop.describe(shop.web())
    shop.server.faults["/bear/big.bin"] = [Fault.BREAK_OFF, Fault.UNAVAILABLE]
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()
    ranges = [wanted for path, wanted in shop.server.asked if path == "/bear/big.bin"]
    assert ranges == [None, f"bytes={len(BIG) // 2}-", f"bytes={len(BIG) // 2}-"]


def test_the_next_run_goes_on_where_the_last_one_gave_up(shop):
    shop.describe(shop.web())
    shop.server.faults["/bear/big.bin"] = [Fault.BREAK_OFF] + [Fault.UNAVAILABLE] * 3
    assert shop.run("get", "bear") == 1
    assert not (shop.models / "bear").exists()
    shop.server.asked.clear()
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()
    assert shop.server.asked[0] == ("/bear/big.bin", f"bytes={len(BIG) // 2}-")
    assert not (shop.models / ".unfinished" / "bear").exists()


def test_a_file_that_is_there_already_is_not_fetched_again(shop):
    shop.describe(shop.web())
    small = shop.server.files.pop("/bear/sub/small.json")
    assert shop.run("get", "bear") == 1
    shop.server.files["/bear/sub/small.json"] = small
    shop.server.asked.clear()
    assert shop.run("get", "bear") == 0
    assert [path for path, _ in shop.server.asked] == ["/bear/sub/small.json"]


def test_a_server_without_ranges_sends_it_all_again(shop):
    shop.describe(shop.web())
    shop.server.faults["/bear/big.bin"] = [Fault.BREAK_OFF, Fault.NO_RANGES]
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()


def test_a_wrong_beginning_is_thrown_away(shop):
    shop.describe(shop.web())
    part = shop.models / ".unfinished/bear/files/big.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else altogether")
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()


def test_a_beginning_that_is_too_long_is_thrown_away(shop):
    shop.describe(shop.web())
    part = shop.models / ".unfinished/bear/files/big.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BIG + b"more")
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()


@pytest.mark.parametrize("fault", [Fault.WRONG, Fault.TOO_MUCH])
def test_a_file_with_another_hash_is_never_used(shop, capsys, fault):
    shop.describe(shop.web())
    shop.server.faults["/bear/big.bin"] = [fault]
    assert shop.run("get", "bear") == 1
    assert not (shop.models / "bear").exists()
    assert "catalogue" in capsys.readouterr().err


def test_the_next_source_is_tried_and_the_reason_said(shop, capsys):
    gone, unreachable = shop.server.address + "/nowhere", f"http://127.0.0.1:{closed_port()}"
    shop.describe(shop.web(address=gone) + shop.web(address=unreachable) + shop.web())
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()
    said = capsys.readouterr().err
    assert "HTTP 404" in said
    assert "cannot be reached" in said


def test_a_mirror_is_asked_first(shop):
    shop.describe(shop.web(address=f"http://127.0.0.1:{closed_port()}"))
    assert shop.run("get", "bear", "--mirror", shop.server.address + "/") == 0
    assert shop.is_whole()


def test_a_mirror_that_lacks_a_model_does_no_harm(shop):
    shop.describe(shop.web())
    assert shop.run("get", "bear", "--mirror", shop.server.address + "/elsewhere") == 0
    assert shop.is_whole()


def test_a_damaged_model_is_found_and_repaired(shop, capsys):
    shop.describe(shop.web())
    shop.run("get", "bear")
    damaged = bytearray(BIG)
    damaged[1000] ^= 1
    (shop.models / "bear/big.bin").write_bytes(damaged)
    assert shop.run("verify") == 1
    assert "big.bin is damaged" in capsys.readouterr().out
    assert shop.run("get", "bear") == 0
    assert shop.run("verify", "bear") == 0
    assert shop.is_whole()


def test_good_files_without_a_manifest_are_taken_over(shop):
    shop.describe(shop.web())
    shop.run("get", "bear")
    (shop.models / "bear" / MANIFEST).unlink()
    shop.server.asked.clear()
    assert shop.run("get", "bear") == 0
    assert shop.is_whole()
    assert not shop.server.asked


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


def make_wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    meta = f"{name}-1.0.dist-info"
    contents = {
        f"{meta}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{meta}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{meta}/RECORD": b"",
        **members,
    }
    (folder / f"{name}-1.0-py3-none-any.whl").write_bytes(zipped(contents))


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


def test_a_full_disk_is_said_before_anything_is_fetched(shop, monkeypatch, capsys):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 1000))
    shop.describe(shop.web())
    assert shop.run("get", "bear") == 1
    assert "MB are needed" in " ".join(capsys.readouterr().err.split())
    assert not shop.server.asked


def test_a_disk_that_refuses_to_write_is_said_in_plain_words(shop):
    shop.describe(shop.web())
    command = [sys.executable, "-m", "tools.models", "--models-dir", str(shop.models)]
    ended = subprocess.run(
        [*command, "--catalogue", str(shop.catalogue), "get", "bear"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "cannot write" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (shop.models / "bear").exists()


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
    assert {model.kind for model in starter} == {"stt", "llm", "tts"}
    for model in starter:
        reachable = models[model.instead] if model.instead else model
        assert any(isinstance(source, WheelSource) for source in reachable.sources)
    for model in models.values():
        for source in model.sources:
            if isinstance(source, WebSource):
                assert source.address.startswith("https://")
