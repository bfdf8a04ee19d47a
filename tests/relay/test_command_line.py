import asyncio
import json
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from device.pairing_proof import clean_code
from tests.relay.relay_process import environment, relay
from tests.relay.scripted_toy import open_toy

PATIENCE_S = 120


def added(home, *arguments, **variables):
    result = relay(home, "toy", "add", *arguments, "--json", **variables)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def listed(home, *arguments):
    return json.loads(relay(home, "toy", "list", "--json", *arguments).stdout)


def test_help_needs_no_settings_and_names_every_command(tmp_path):
    (tmp_path / "relay.toml").write_text("broken [")
    result = relay(tmp_path, "--help")
    assert result.returncode == 0
    for command in ("serve", "check", "toy", "alerts", "settings", "certificate"):
        assert command in result.stdout
    for command in (["toy", "add"], ["toy", "list"], ["check"], ["serve"], ["certificate"]):
        assert "--config" in relay(tmp_path, *command, "--help").stdout


def test_a_code_is_shown_and_only_over_tls(tmp_path):
    shown = relay(tmp_path, "toy", "pair", "Bear", "--age", "6", "--no-wait")
    assert shown.returncode == 0, shown.stderr
    code = re.search(r"^  (\w{4}-\w{4}-\w{4})$", shown.stdout, re.MULTILINE)
    assert code and clean_code(code[1])
    assert f"--code {code[1]}" in shown.stdout
    again = relay(tmp_path, "toy", "pair", "Bear", "--age", "6", "--no-wait", "--json")
    assert json.loads(again.stdout)["code"] != code[1]
    plain = relay(tmp_path, "toy", "pair", "Bear", "--age", "6", BRAMBLE_LISTEN__TLS="off")
    assert plain.returncode == 1
    assert "listen.tls is off" in plain.stderr
    assert listed(tmp_path) == []


def test_waiting_for_a_code_to_be_used_ends_when_it_is_spoilt(tmp_path):
    waiting = subprocess.Popen(
        [sys.executable, "-m", "relay", "toy", "pair", "Bear", "--age", "6"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "pairing code" in waiting.stdout.readline()
    relay(tmp_path, "toy", "pair", "Bear", "--age", "6", "--no-wait")  # takes its place
    rest, _ = waiting.communicate(timeout=PATIENCE_S)
    assert "a newer one asked for" in rest
    assert waiting.returncode == 1


def test_a_toy_is_paired_listed_changed_and_removed(tmp_path):
    first = relay(tmp_path, "toy", "add", "Bear", "--age", "6")
    assert first.returncode == 0
    token = re.search(r"^  (\w{8}\.[\w-]{43})$", first.stdout, re.MULTILINE)
    assert token, first.stdout
    line = first.stdout.strip().splitlines()[-1]
    fields = json.loads("{" + line + "}")
    assert fields["token"] == token[1]
    assert fields["age"] == 6
    assert fields["relay"] == "wss://127.0.0.1:8765/toy"

    shown = relay(tmp_path, "toy", "list")
    assert re.search(r"Bear +6 .* never", shown.stdout)
    assert token[1].split(".")[1] not in shown.stdout

    assert relay(tmp_path, "toy", "age", "Bear", "7").returncode == 0
    assert listed(tmp_path)[0]["age"] == 7
    assert relay(tmp_path, "toy", "remove", "Bear").returncode == 0
    assert listed(tmp_path) == []
    assert len(listed(tmp_path, "--all")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["toy", "add", "Bear", "--age", "2"], "from 3 to 13"),
        (["toy", "add", "Bear", "--age", "14"], "from 3 to 13"),
        (["toy", "add", " ", "--age", "6"], "printable"),
        (["toy", "remove", "Nobody"], "see toy list"),
        (["toy", "age", "Nobody", "6"], "see toy list"),
        (["--config", "none.toml", "toy", "list"], "there is no such file"),
        (["toy", "list", "--config", "none.toml"], "there is no such file"),
    ],
)
def test_what_a_person_may_do_wrong_is_said_plainly(tmp_path, arguments, words):
    result = relay(tmp_path, *arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert all(line.startswith("relay: ") for line in result.stderr.splitlines())


@pytest.mark.parametrize("arguments", [["toy"], ["toy", "add", "Bear"], ["fly"], ["toy", "eat"]])
def test_a_mistyped_command_shows_how_it_is_used(tmp_path, arguments):
    result = relay(tmp_path, *arguments)
    assert result.returncode == 2
    assert "usage:" in result.stderr


def test_every_wrong_setting_is_named_in_one_go(tmp_path):
    (tmp_path / "relay.toml").write_text("[listen]\nport = 99999\n[log]\nlevels = 'INFO'\n")
    result = relay(tmp_path, "serve", BRAMBLE_TTS__VOICE_NAME="x")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 3
    for expected in ("listen.port", "log.levels", "BRAMBLE_TTS__VOICE_NAME"):
        assert expected in result.stderr


def test_settings_show_what_is_in_force_without_secrets(tmp_path):
    (tmp_path / "relay.toml").write_text("[tts]\nwords_per_minute = 170\n")
    result = relay(tmp_path, "settings", BRAMBLE_LLM__API_KEY="hunter2")
    assert "words_per_minute = 170" in result.stdout
    assert "hunter2" not in result.stdout
    as_json = json.loads(relay(tmp_path, "settings", "--json").stdout)
    assert as_json["tts"]["words_per_minute"] == 170
    assert as_json["data_dir"] == str(tmp_path)


def test_the_printed_example_is_a_good_settings_file(tmp_path):
    example = relay(tmp_path, "settings", "--example").stdout
    (tmp_path / "relay.toml").write_text(re.sub(r"(?m)^# (\w+ = )", r"\1", example))
    assert relay(tmp_path, "settings").returncode == 0


def test_each_new_toy_is_given_the_relay_s_identity_until_that_is_replaced(tmp_path):
    first = added(tmp_path, "Bear", "--age", "6")["settings"]["relay_certificate"]
    assert f'"relay_certificate": "{first}"' in relay(tmp_path, "certificate").stdout
    replaced = relay(tmp_path, "certificate", "--replace")
    assert "pair every toy anew" in replaced.stdout
    second = added(tmp_path, "Fox", "--age", "6")["settings"]["relay_certificate"]
    assert second != first
    assert f'"relay_certificate": "{second}"' in replaced.stdout


def test_alerts_are_told_without_words_of_a_child(tmp_path):
    toy = added(tmp_path, "Bear", "--age", "6")
    assert "No alerts" in relay(tmp_path, "alerts").stdout
    with sqlite3.connect(tmp_path / "relay.db") as connection:
        connection.execute(
            "INSERT INTO alerts (toy, session, kind, category, age_band, created)"
            " VALUES (?, 'aaaaaaaaaaaa', 'self_harm', 'self_harm', '6-8', 1795000000)",
            (toy["id"],),
        )
    connection.close()
    assert "Bear: said something about hurting themselves" in relay(tmp_path, "alerts").stdout
    (alert,) = json.loads(relay(tmp_path, "alerts", "--json").stdout)
    assert (alert["kind"], alert["band"], alert["toy"]) == ("self_harm", "6-8", toy["id"])
    assert relay(tmp_path, "alerts", "--limit", "0").returncode == 2


def test_a_damaged_database_is_a_plain_message(tmp_path):
    (tmp_path / "relay.db").write_bytes(b"not a database at all" * 500)
    result = relay(tmp_path, "toy", "list")
    assert result.returncode == 1
    assert "put a back-up in its place" in result.stderr
    assert "Traceback" not in result.stderr


def test_serving_without_models_says_how_to_get_them(tmp_path):
    result = relay(tmp_path, "serve", BRAMBLE_MODELS_DIR=str(tmp_path), BRAMBLE_LISTEN__PORT="0")
    assert result.returncode == 1
    assert "python -m tools.models get" in result.stderr
    assert "Traceback" not in result.stderr


async def start_serving(home, **variables):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "relay",
        cwd=home,
        env=environment(home, BRAMBLE_LISTEN__PORT="0", **variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return process


async def test_serve_can_be_stopped_while_it_starts(tmp_path):
    process = await start_serving(tmp_path)
    try:
        first = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        assert b"is starting" in first
        process.send_signal(signal.SIGTERM)
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert output.decode() == "Stopped.\n"
    assert b"Traceback" not in errors


async def test_serve_greets_answers_and_stops_in_good_order(tmp_path):
    toy = await asyncio.to_thread(added, tmp_path, "Bear", "--age", "6")
    token = toy["settings"]["token"]
    process = await start_serving(
        tmp_path,
        BRAMBLE_LOG__LEVEL="DEBUG",
        BRAMBLE_LOG__FORMAT="json",
        BRAMBLE_LISTEN__TLS="off",
    )
    log = asyncio.create_task(process.stderr.read())
    try:
        port = await asyncio.wait_for(_port_of(process.stdout), PATIENCE_S)
        client = await open_toy(port, token)
        await client.say_hello()
        session = client.welcome["session"]
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(client.socket.wait_closed(), PATIENCE_S)
        assert client.socket.close_code == 1001
        rest = await asyncio.wait_for(process.stdout.read(), PATIENCE_S)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
        assert rest.decode().rstrip().endswith("Stopped.")
    finally:
        if process.returncode is None:
            process.kill()
    lines = (await log).decode().splitlines()
    assert all(token.split(".")[1] not in line for line in lines)
    events = [json.loads(line) for line in lines]
    assert any(event.get("session") == session for event in events)
    assert "relay started" in [event["event"] for event in events]


async def _port_of(stdout: asyncio.StreamReader) -> int:
    """Read the greeting up to its end and return the port in it."""
    port = 0
    while line := (await stdout.readline()).decode():
        if found := re.search(r"wss?://127\.0\.0\.1:(\d+)/toy", line):
            port = int(found[1])
        if "Ctrl+C" in line:
            return port
    raise AssertionError("the relay ended before it was running")


def test_files_made_in_the_home_are_all_there_is(tmp_path):
    added(tmp_path, "Bear", "--age", "6")
    assert {path.name.split("-")[0] for path in Path(tmp_path).iterdir()} == {
        "house.pem",
        "relay.db",
        "relay.pem",
    }
