"""`python -m tools.models get` of a model that is made of what is downloaded."""

import hashlib

import pytest

from tests.tools.model_server import Fault
from tests.tools.model_smithy import (
    FILES,
    KEPT,
    MADE,
    RAW,
    RAW_FILES,
    describe,
    is_whole,
    serve,
    table,
)
from tests.tools.model_workshop import closed_port
from tools.models.catalogue import CatalogueError, load


def test_a_model_is_made_of_what_the_web_brought(shop, smith):
    serve(shop, RAW_FILES)
    describe(shop, shop.web())
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)
    assert shop.run("get", "bear") == 0
    assert smith.calls == 1
    assert shop.run("verify") == 0


def test_a_broken_off_download_goes_on_where_it_stopped(shop, smith):
    serve(shop, RAW_FILES)
    shop.server.faults["/bear/raw.bin"] = [Fault.BREAK_OFF] + [Fault.UNAVAILABLE] * 3
    describe(shop, shop.web())
    assert shop.run("get", "bear") == 1
    assert smith.calls == 0
    shop.server.asked.clear()
    assert shop.run("get", "bear") == 0
    assert shop.server.asked[0] == ("/bear/raw.bin", f"bytes={len(RAW) // 2}-")
    assert is_whole(shop)


def test_raw_files_with_another_hash_are_never_made_into_a_model(shop, smith):
    serve(shop, RAW_FILES)
    shop.server.faults["/bear/raw.bin"] = [Fault.WRONG]
    describe(shop, shop.web())
    assert shop.run("get", "bear") == 1
    assert smith.calls == 0
    assert not (shop.models / "bear").exists()


def test_a_maker_that_fails_is_said_in_plain_words(shop, smith, capsys):
    serve(shop, RAW_FILES)
    describe(shop, shop.web())
    smith.failure = ValueError("raw.bin has no ears")
    assert shop.run("get", "bear") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "cannot be used: raw.bin has no ears" in said
    assert not (shop.models / "bear").exists()
    smith.failure = None
    shop.server.asked.clear()
    assert shop.run("get", "bear") == 0
    assert not shop.server.asked
    assert is_whole(shop)


def test_other_bytes_than_the_catalogues_are_not_installed(shop, smith, capsys):
    serve(shop, RAW_FILES)
    describe(shop, shop.web())
    smith.result = MADE[:-1] + b"?"
    assert shop.run("get", "bear") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "made.bin as made on this computer is not the one in the catalogue" in said
    assert not (shop.models / "bear").exists()


def test_a_mirror_has_the_finished_files(shop, smith):
    serve(shop, FILES)
    describe(shop, shop.web(address=f"http://127.0.0.1:{closed_port()}"))
    assert shop.run("get", "bear", "--mirror", shop.server.address) == 0
    assert is_whole(shop)
    assert smith.calls == 0
    assert {path for path, _ in shop.server.asked} == {f"/bear/{path}" for path in FILES}


def test_finished_files_without_a_manifest_are_taken_over(shop, smith):
    describe(shop, shop.web(address=f"http://127.0.0.1:{closed_port()}"))
    for path, data in FILES.items():
        target = shop.models / "bear" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)
    assert smith.calls == 0


def test_raw_files_are_not_a_model_by_themselves(shop, smith):
    serve(shop, RAW_FILES)
    describe(shop, shop.web())
    for path, data in RAW_FILES.items():
        target = shop.models / "bear" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)


WEB = '[[bear.sources]]\nweb = "https://example.org"\n'
ZIP = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{table()}\n{WEB}", "belong together"),
        (f'{table(raw={})}\nmade_by = "smith"\n{WEB}', "belong together"),
        (f'{table()}\nmade_by = "nobody"\n{WEB}', "no maker 'nobody'"),
        (f'{table()}\nmade_by = ["smith"]\n{WEB}', "unhashable"),
        (f'{table(files={"sub/kept.json": KEPT})}\nmade_by = "smith"\n{WEB}', "nothing is made"),
        (f'{table(raw={"sub/kept.json": RAW})}\nmade_by = "smith"\n{WEB}', "must be the same"),
        (f'{table(raw={"../raw.bin": RAW})}\nmade_by = "smith"\n{WEB}', "leaves its folder"),
        (
            f'{table()}\nmade_by = "smith"\n[[bear.sources]]\narchive = "https://example.org/a"\n'
            f'folder = "top"\nsize = 1\nsha256 = "{ZIP}"\n',
            "an archive holds finished files",
        ),
        (
            f'{table()}\nmade_by = "smith"\n[[bear.sources]]\nwheels = ["a==1"]\nfolder = "top"\n'
            'archive = ["a"]\nparts = { "raw.bin" = ["b"] }\n',
            "not both",
        ),
        (
            f'{table()}\nmade_by = "smith"\n[[bear.sources]]\nwheels = ["a==1"]\nfolder = "top"\n'
            'archive = "a"\n',
            "as a list",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(shop, smith, text, reason):
    shop.add(text, "bear")
    with pytest.raises(CatalogueError, match=reason):
        load(shop.catalogue)
