"""`python -m tools.models get` from the web, through every kind of fault."""

import resource
import shutil
import subprocess
import sys
from collections import namedtuple

import pytest

from relay.models import MANIFEST
from tests.tools.model_server import Fault
from tests.tools.model_workshop import BIG, closed_port


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
