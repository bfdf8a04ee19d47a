"""`python -m tools.virtual_toy`: what it prints, how it ends, and what it says when it cannot."""

import asyncio
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.virtual_toy.scripted_relay import ScriptedRelay
from tools.virtual_toy import read_wav, write_wav

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000


def tone(seconds):
    return (8000 * np.sin(np.arange(round(seconds * RATE)) / 8)).astype(np.int16)


async def run(*arguments, **environment):
    """Return exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tools.virtual_toy",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), err.decode()


async def test_questions_are_asked_saved_and_told_as_json(tmp_path):
    question = tmp_path / "question.wav"
    write_wav(question, tone(0.6))
    async with ScriptedRelay(tone(1.0)) as relay:
        code, out, err = await run(
            "--relay", relay.url, "--ask", str(question), "--ask", str(question),
            "--save", str(tmp_path / "reply.wav"), "--events", str(tmp_path / "events.jsonl"),
            "--json", "--verbose", VIRTUAL_TOY_TOKEN="t",
        )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)
    assert told["totals"]["questions"] == told["totals"]["answered"] == 2
    for number, row in enumerate(told["questions"], 1):
        assert row["saved"] == str(tmp_path / f"reply-{number}.wav")
        assert len(read_wav(row["saved"])) > RATE
        assert row["pressed_at"] < row["last_voiced_at"] < row["released_at"]
        assert row["released_at"] < row["first_speech_at"] < row["ended_at"]
        assert abs(row["reply_ms"] - 1000) < 80 + sum(row["gaps_ms"])
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {"booted", "light", "paw", "wifi", "microphone", "speaker"} <= {
        e["name"] for e in events
    }
    assert "toy| " in err


async def test_a_question_without_an_answer_ends_with_1(tmp_path):
    question = tmp_path / "question.wav"
    write_wav(question, tone(0.5))
    async with ScriptedRelay(np.zeros(RATE // 2, np.int16)) as relay:
        code, _, err = await run("--relay", relay.url, "--token", "t", "--ask", str(question))
    assert code == 1
    assert "no spoken answer" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--relay", "ws://127.0.0.1:9/toy"], 2, "relay toy add"),
        (["--relay", "http://x", "--token", "t"], 1, "looks like ws://"),
        (["--relay", "ws://x/toy", "--token", "t", "--ask", "none.wav"], 1, "no such file"),
        (["--relay", "wss://x/toy", "--token", "t", "--certificate", "none.pem"], 1, "none.pem"),
        (["--relay", "ws://127.0.0.1:9/toy", "--token", "t", "--timeout", "3"], 1, "is that"),
        (["--relay", "ws://127.0.0.1:9/toy", "--token", "t", "--age", "99", "--timeout", "3"], 1,
         "asks for a grown-up"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(arguments, code, said):
    found, out, err = await run(*arguments, VIRTUAL_TOY_TOKEN="")
    assert found == code, err
    assert said in err
    assert not out


async def test_help_names_every_option():
    code, out, _ = await run("--help")
    assert code == 0
    for option in ("--ask", "--save", "--json", "--lose-wifi-at", "--partial-writes", "--rssi"):
        assert option in out
