"""The parts of flashing that need no board: MicroPython's image, and the settings."""

import ast
import hashlib
import os
import subprocess

import httpx
import pytest

from relay.certificate import AUTHORITY_FILE, load_identity
from tests.relay.relay_process import environment
from tools.check_device import ROOT
from tools.flash import settings
from tools.flash.errors import FlashError, HelloError, ImageError, SettingsError
from tools.flash.hello import wait_for_hello
from tools.flash.image import RELEASES, Release, get_image, given_image
from tools.flash.settings import Asker, Wanted, collect

IMAGE = b"\xe9" + bytes(range(256)) * 2000
HOME = {"ssid": "home", "password": "correct horse", "relay": "ws://192.168.1.2:8765/toy"}
NOBODY = Asker(interactive=False)


def release(content=IMAGE):
    return {"esp32": Release("1", "https://example.org/x.bin", hashlib.sha256(content).hexdigest())}


def serving(answer):
    return httpx.Client(transport=httpx.MockTransport(lambda request: answer))


def test_an_image_is_downloaded_once_and_kept(tmp_path):
    http = serving(httpx.Response(200, content=IMAGE))
    for client in (http, None):  # the second time without a network
        path = get_image("esp32", tmp_path, lambda line: None, client, release())
        assert path.read_bytes() == IMAGE


def test_an_image_with_another_hash_is_never_kept(tmp_path):
    http = serving(httpx.Response(200, content=IMAGE + b"x"))
    with pytest.raises(ImageError, match="SHA-256 differs"):
        get_image("esp32", tmp_path, lambda line: None, http, release())
    assert not list(tmp_path.iterdir())


def test_a_damaged_image_is_downloaded_again(tmp_path):
    (tmp_path / "x.bin").write_bytes(IMAGE[:-1])
    http = serving(httpx.Response(200, content=IMAGE))
    assert get_image("esp32", tmp_path, lambda line: None, http, release()).read_bytes() == IMAGE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(404), "the server says 404"),
        (httpx.ConnectError("no route"), "is this computer online"),
        (httpx.Response(200, content=bytes(9_000_000)), "larger than any image"),
    ],
)
def test_a_download_that_fails_says_what_to_do(tmp_path, answer, words):
    def serve(request):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ImageError, match=words) as caught:
        http = httpx.Client(transport=httpx.MockTransport(serve))
        get_image("esp32", tmp_path, lambda line: None, http, release())
    assert "--image FILE" in str(caught.value)


def test_every_chip_of_a_board_has_an_image():
    assert set(RELEASES) == {"esp32", "esp32s3"}
    for known in RELEASES.values():
        assert known.address.startswith("https://")
        assert len(bytes.fromhex(known.sha256)) == 32


def test_a_file_that_is_no_image_is_not_written(tmp_path):
    path = tmp_path / "x.bin"
    with pytest.raises(ImageError, match="cannot be read"):
        given_image(path)
    for content in (b"\xe9short", b"UF2\n" + os.urandom(300_000)):
        path.write_bytes(content)
        with pytest.raises(ImageError, match="no MicroPython image"):
            given_image(path)
    path.write_bytes(IMAGE)
    assert given_image(path) == path


def test_every_way_that_wifi_fails_has_an_advice():
    source = (ROOT / "device" / "wifi_outcome.py").read_text()
    outcomes = next(
        node for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Outcome"
    )  # fmt: skip
    said = [node.value.value for node in outcomes.body if isinstance(node, ast.Assign)]
    assert "connected" in said
    for outcome in set(said) - {"connected"}:
        with pytest.raises(HelloError) as caught:
            wait_for_hello([f"3.141 wifi: {outcome} rssi=None ssid=home"], lambda line: None)
        assert "has not reached the relay in time" not in str(caught.value), outcome


def test_settings_come_from_options():
    wanted = Wanted(**HOME, token="abc", age=5, fields={"volume_ceiling": 70})
    fields = collect(wanted, "esp32-devkit", NOBODY)
    assert fields["networks"] == [{"ssid": "home", "password": "correct horse"}]
    assert (fields["age"], fields["board"], fields["volume_ceiling"]) == (5, "esp32-devkit", 70)


@pytest.mark.parametrize("missing", ["ssid", "password", "relay", "token", "age"])
def test_what_is_missing_is_named_when_nobody_can_be_asked(missing):
    given = {**HOME, "token": "abc", "age": 5, missing: None}
    with pytest.raises(SettingsError, match=r"--wifi|--relay|--age|BRAMBLE_"):
        collect(Wanted(**given), "esp32-devkit", NOBODY)


def test_what_is_missing_is_asked_for_and_secrets_are_not_shown(monkeypatch):
    answers = iter(["home", "6", "ws://192.168.1.2:8765/toy"])
    hidden = iter(["correct horse", "a-token"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    monkeypatch.setattr(settings.getpass, "getpass", lambda question: next(hidden))
    fields = collect(Wanted(), "esp32s3-devkit", Asker())
    assert fields["token"] == "a-token"
    assert fields["networks"][0]["password"] == "correct horse"
    assert fields["age"] == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "short"}, "8 to 64 characters"),
        ({"relay": "http://192.168.1.2"}, "ws:// or wss://"),
        ({"relay": "wss://192.168.1.2/toy"}, "needs relay_certificate"),
        ({"age": 2}, "from 3 to 13"),
        ({"token": "with space"}, "printable ASCII"),
    ],
)
def test_settings_that_a_toy_would_refuse_are_refused_here(change, words):
    given = {**HOME, "token": "abc", "age": 5, **change}
    with pytest.raises(SettingsError, match=words) as caught:
        collect(Wanted(**given), "esp32-devkit", NOBODY)
    for secret in ("correct horse", "with space"):
        assert secret not in str(caught.value)


def test_with_a_code_nothing_but_the_wifi_is_asked_for():
    wanted = Wanted(ssid="home", password="correct horse", code="K7QF-2M9D-X4TQ")
    fields = collect(wanted, "esp32-devkit", NOBODY)
    assert set(fields) == {"networks", "pairing_code", "board"}
    assert not settings.reaches_only_this_computer(fields)
    for more in ({"token": "abc"}, {"pair": "Bear"}):
        with pytest.raises(SettingsError, match="leave out the others"):
            collect(Wanted(ssid="home", password="", code="K7QF", **more), "esp32-devkit", NOBODY)
    wrong = Wanted(ssid="home", password="correct horse", code="K7QF-2M9D-X4TZ")
    with pytest.raises(SettingsError, match="slip of the pen"):
        collect(wrong, "esp32-devkit", NOBODY)


def test_the_relay_makes_the_token_and_a_second_toy_of_that_name_is_explained(
    tmp_path, monkeypatch
):
    run = subprocess.run
    monkeypatch.setattr(
        settings.subprocess, "run", lambda *a, **k: run(*a, **k, env=environment(tmp_path))
    )
    wanted = Wanted(**{**HOME, "relay": None}, age=5, pair="Bear")
    fields = collect(wanted, "esp32-devkit", NOBODY)
    assert len(fields["token"]) > 40
    assert settings.reaches_only_this_computer(fields)  # the environment's relay is on loopback
    with pytest.raises(SettingsError, match="did not add the toy"):
        collect(Wanted(**HOME, age=2, pair="Cub"), "esp32-devkit", NOBODY)


def test_a_certificate_is_taken_as_pem_and_as_der(tmp_path):
    made = load_identity(tmp_path, hosts=["relay.local"])
    assert settings.read_certificate(tmp_path / AUTHORITY_FILE) == made.for_toy
    (tmp_path / "house.der").write_bytes(made.authority)
    assert settings.read_certificate(tmp_path / "house.der") == made.for_toy
    (tmp_path / "none.pem").write_text("-----BEGIN nonsense")
    with pytest.raises(FlashError, match="python -m relay certificate"):
        settings.read_certificate(tmp_path / "none.pem")
