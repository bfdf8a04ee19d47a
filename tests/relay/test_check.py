import http.server
import json
import socket
import threading

import pytest

from relay.check import SPOKEN_SENTENCE, run_checks, words_heard
from relay.config import Settings
from tests.relay.relay_process import ROOT, relay


def settings(tmp_path, **groups):
    return Settings(
        **{
            "data_dir": tmp_path / "data",
            "models_dir": ROOT / "models",
            "listen": {"host": "127.0.0.1", "port": 0},
            **groups,
        }
    )


async def findings(settings):
    reported = []
    found = await run_checks(settings, reported.append)
    assert reported == found
    return {finding.name: finding for finding in found}


def test_a_good_home_passes_every_check(tmp_path):
    result = relay(tmp_path, "check", "--json", BRAMBLE_LISTEN__PORT="0")
    report = json.loads(result.stdout)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]
    assert result.returncode == 0
    names = [check["name"] for check in report["checks"]]
    assert names[:2] == ["settings", "python"]
    assert names[-3:] == ["speaks", "hears", "thinks"]


def test_settings_that_cannot_be_used_are_a_finding(tmp_path):
    (tmp_path / "relay.toml").write_text("[listen]\nport = 99999\nhots = ''\n")
    shown = relay(tmp_path, "check")
    assert shown.returncode == 1
    assert shown.stdout.startswith("BAD settings")
    assert "listen.port" in shown.stdout and "did you mean host?" in shown.stdout
    (finding,) = json.loads(relay(tmp_path, "check", "--json").stdout)["checks"]
    assert finding["name"] == "settings" and not finding["ok"]


async def test_what_is_missing_is_named_and_the_rest_still_tried(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "data").write_text("a file where a folder should be")
        found = await findings(
            settings(
                tmp_path,
                models_dir=tmp_path / "none",
                listen={
                    "host": "127.0.0.1",
                    "port": taken.getsockname()[1],
                },
            )
        )
    bad = {name for name, finding in found.items() if not finding.ok}
    assert bad == {"store", "certificate", "port", "safety", "hears", "thinks"}
    assert "check the owner" in found["certificate"].detail
    assert "set listen.host and listen.port" in found["port"].detail
    assert "python -m tools.models get" in found["hears"].detail
    assert "python -m tools.models get" in found["thinks"].detail
    assert "python -m tools.models get" in found["safety"].detail
    assert found["speaks"].ok


async def test_a_damaged_model_is_found_before_it_is_loaded(tmp_path):
    model = tmp_path / "models" / "smollm2-135m-instruct"
    original = ROOT / "models" / "smollm2-135m-instruct"
    model.mkdir(parents=True)
    for file in original.iterdir():
        content = bytearray(file.read_bytes())
        if file.suffix == ".gguf":
            content[len(content) // 2] ^= 1
        (model / file.name).write_bytes(content)
    found = await findings(settings(tmp_path, models_dir=tmp_path / "models"))
    assert not found["thinks"].ok
    assert "damaged" in found["thinks"].detail


@pytest.mark.parametrize(("body", "is_relay"), [(b"ok\n", True), (b"<html>", False)])
async def test_a_relay_that_runs_already_is_no_fault(tmp_path, body, is_relay):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        found = await findings(
            settings(
                tmp_path,
                models_dir=tmp_path,
                listen={"host": "127.0.0.1", "port": server.server_port, "tls": False},
            )
        )
    finally:
        server.shutdown()
        server.server_close()
    assert found["port"].ok is is_relay
    assert ("already running" in found["port"].detail) is is_relay


async def test_a_sentence_that_is_misheard_is_a_finding(tmp_path):
    # A voice that speaks Korean makes nothing of an English sentence.
    found = await findings(settings(tmp_path, tts={"voice": "ko", "words_per_minute": 400}))
    assert found["speaks"].ok
    assert not found["hears"].ok
    assert "instead of" in found["hears"].detail


def test_words_are_compared_without_case_and_marks():
    assert words_heard(SPOKEN_SENTENCE, SPOKEN_SENTENCE.upper().replace("?", " !")) == 1
    assert words_heard("one two three four", "four, one") == 0.5
    assert words_heard("one", "") == 0
