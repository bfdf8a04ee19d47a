"""Backups: made while the relay writes, refused when changed, put back without losing a byte."""

import asyncio
import errno
import io
import json
import sqlite3
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from relay.__main__ import main
from relay.backup.archive import Archive, pack, unpack
from relay.backup.errors import BackupError
from relay.backup.passphrase import seal, unseal
from relay.backup.restore import restore
from relay.backup.snapshot import back_up
from relay.certificate import load_identity
from relay.config import Settings
from relay.store import Store

PASSPHRASE = "correct horse battery"


@pytest.fixture
def home(tmp_path):
    """Return the settings of a relay that knows one toy."""
    settings = Settings(data_dir=tmp_path / "data")
    load_identity(settings.data_dir, ["localhost"])
    run(settings, add_toy("c0ffee00", "Bear"))
    return settings


def run(settings, work):
    async def opened():
        store = Store(settings.store_url)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def add_toy(toy, name):
    return lambda store: store.add_toy(toy, name, 6, bytes(32))


def toys(settings):
    return [toy.name for toy in run(settings, lambda store: store.toys())]


def test_there_and_back(home, tmp_path):
    file = tmp_path / "a.backup"
    identity = (home.data_dir / "house.pem").read_bytes()
    back_up(home, file, settings_file=None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    run(home, add_toy("c0ffee01", "Mouse"))
    (home.data_dir / "house.pem").write_bytes(b"another")
    done = restore(home, file)
    assert toys(home) == ["Bear"]
    assert (home.data_dir / "house.pem").read_bytes() == identity
    assert (done.aside / "house.pem").read_bytes() == b"another"
    with sqlite3.connect(done.aside / "relay.db") as old:
        assert old.execute("SELECT count(*) FROM toys").fetchone() == (2,)
    for path in home.data_dir.glob("*.*"):
        assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_backup_is_taken_and_a_restore_refused_while_a_relay_runs(home, tmp_path):
    file = tmp_path / "a.backup"

    async def work(store):
        # In the log only, not in the file yet.
        await store.add_toy("c0ffee01", "Mouse", 6, bytes(32))
        await asyncio.to_thread(back_up, home, file, settings_file=None)
        with pytest.raises(BackupError, match="stop it first"):
            await asyncio.to_thread(restore, home, file)
        await store.add_toy("c0ffee02", "Owl", 6, bytes(32))

    run(home, work)
    assert toys(home) == ["Bear", "Mouse", "Owl"]
    restore(home, file)
    assert toys(home) == ["Bear", "Mouse"]


def test_a_damaged_database_can_be_replaced(home, tmp_path):
    file = tmp_path / "a.backup"
    back_up(home, file, settings_file=None)
    broken = b"no database" * 1000
    (home.data_dir / "relay.db").write_bytes(broken)
    done = restore(home, file)
    assert toys(home) == ["Bear"]
    assert (done.aside / "relay.db").read_bytes() == broken


def test_nothing_is_overwritten(home, tmp_path):
    file = tmp_path / "a.backup"
    file.write_text("precious")
    with pytest.raises(BackupError, match="another name"):
        back_up(home, file, settings_file=None)
    assert file.read_text() == "precious"


def test_a_full_disk_leaves_no_half_backup(home, tmp_path, monkeypatch):
    with pytest.raises(BackupError, match="no such file or directory"):
        back_up(home, tmp_path / "no" / "such" / "folder", settings_file=None)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BackupError, match="no space left"):
        back_up(home, tmp_path / "a.backup", settings_file=None)
    assert not (tmp_path / "a.backup").exists()


def test_a_restore_that_fails_half_way_changes_nothing(home, tmp_path, monkeypatch):
    file = tmp_path / "a.backup"
    back_up(home, file, settings_file=None)
    run(home, add_toy("c0ffee01", "Mouse"))
    names = sorted(home.data_dir.iterdir())
    identity = (home.data_dir / "house.pem").read_bytes()
    real = type(file).replace

    def fails(path, target):
        if path.name == "house.pem.restoring":
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(type(file), "replace", fails)
    with pytest.raises(BackupError, match="nothing was changed"):
        restore(home, file)
    monkeypatch.undo()
    assert sorted(home.data_dir.iterdir()) == names
    assert (home.data_dir / "house.pem").read_bytes() == identity
    assert toys(home) == ["Bear", "Mouse"]


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 1000, b"PK\x05\x06" + bytes(18)])
def test_foreign_files_are_refused(home, tmp_path, content):
    file = tmp_path / "a.backup"
    file.write_bytes(content)
    with pytest.raises(BackupError):
        restore(home, file)
    assert toys(home) == ["Bear"]


def zip_of(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "manifest",
    [
        "[]",
        "{",
        json.dumps({"format": 1, "created": 0, "files": {}}),
        json.dumps({"format": 2, "created": 0, "files": {}}),
        json.dumps({"format": 1, "created": 0, "files": {"../relay.db": {}}}),
        json.dumps({"format": 1, "created": 0, "files": {"relay.db": {"bytes": 1}}}),
        json.dumps({"format": 1, "created": 0, "files": {"relay.db": {"bytes": 1, "sha256": ""}}}),
    ],
)
def test_manifests_that_lie_are_refused(manifest):
    for others in ({}, {"relay.db": b"x"}, {"../relay.db": b"x"}):
        with pytest.raises(BackupError):
            unpack(zip_of({"manifest.json": manifest, **others}))


@given(st.data())
@hypothesis_settings(max_examples=200)
def test_any_changed_or_missing_byte_is_seen(data):
    packed = pack(Archive({"relay.db": b"some rows " * 20, "house.pem": b"key"}, 7))
    at = data.draw(st.integers(0, len(packed) - 1))
    if data.draw(st.booleans()):
        changed = packed[:at]
    else:
        flipped = packed[at] ^ data.draw(st.integers(1, 255))
        changed = packed[:at] + bytes([flipped]) + packed[at + 1 :]
    try:
        archive = unpack(changed)
    except BackupError:
        return
    # Some bytes of a ZIP file mean nothing, as its dates; what is read is right all the same.
    assert archive.files == {"relay.db": b"some rows " * 20, "house.pem": b"key"}


def test_a_sealed_backup_opens_with_its_passphrase_only(home, tmp_path):
    file = tmp_path / "a.backup"
    back_up(home, file, settings_file=None, passphrase=PASSPHRASE)
    content = file.read_bytes()
    assert b"Bear" not in content and b"PK\x03\x04" not in content
    for wrong in (None, PASSPHRASE + "x", ""):
        with pytest.raises(BackupError):
            restore(home, file, passphrase=wrong)
    file.write_bytes(content[:-1])
    with pytest.raises(BackupError, match="damaged"):
        restore(home, file, passphrase=PASSPHRASE)
    file.write_bytes(content)
    assert restore(home, file, passphrase=PASSPHRASE).created > 1_700_000_000


def test_every_byte_of_a_sealed_file_counts():
    sealed = seal(b"all of it", PASSPHRASE)
    assert unseal(sealed, PASSPHRASE) == b"all of it"
    for at in (0, 20, 40, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(BackupError):
            unseal(bytes(changed), PASSPHRASE)
    with pytest.raises(BackupError, match="too short"):
        seal(b"", "short")


def test_another_kind_of_database_has_its_own_tools(tmp_path):
    settings = Settings(data_dir=tmp_path, store={"url": "postgresql+psycopg://h/d"})
    with pytest.raises(BackupError, match="pg_dump"):
        back_up(settings, tmp_path / "a", settings_file=None)


def test_the_commands(home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAMBLE_DATA_DIR", str(home.data_dir))
    (tmp_path / "relay.toml").write_text("[tts]\nwords_per_minute = 150\n")
    (tmp_path / "words").write_text(PASSPHRASE + "\n")
    assert main(["backup", "b", "--passphrase-file", "words"]) == 0
    assert "Without the passphrase" in capsys.readouterr().out
    assert main(["backup", "b"]) == 1
    assert "another name" in capsys.readouterr().err
    assert main(["restore", "b"]) == 1
    assert "--passphrase-file" in capsys.readouterr().err
    assert main(["restore", "b", "--passphrase-file", "words"]) == 0
    assert "relay.toml.from-backup" in capsys.readouterr().out
    copy = (home.data_dir / "relay.toml.from-backup").read_text()
    assert copy == (tmp_path / "relay.toml").read_text()
    assert main(["backup"]) == 0
    assert "keep it safe" in capsys.readouterr().out
    assert len(list(tmp_path.glob("bramble-*.backup"))) == 1
