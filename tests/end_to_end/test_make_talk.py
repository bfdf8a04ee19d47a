"""The command that everybody types first."""

import json
import os
import re
import subprocess
import sys
import wave

from tests.conftest import ROOT
from tools.talk.make_questions import FOLDER


def run(*arguments, timeout=200):
    return subprocess.run(
        arguments, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_make_talk_with_a_question_of_ones_own(tmp_path):
    question = tmp_path / "my own question.wav"
    question.write_bytes((FOLDER / "1-sky.wav").read_bytes())
    done = run("make", "talk", f"QUESTION={question}", f"ARGS=--out {tmp_path}/out",
               f"PYTHON={sys.executable}")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"heard +Why is the sky blue", done.stdout)
    assert "first word out of the speaker" in done.stdout
    with wave.open(str(tmp_path / "out" / "my own question-reply.wav")) as reply:
        assert reply.getframerate() == 16000
        assert reply.getnframes() > 16000
    log = (tmp_path / "out" / "relay.log").read_text()
    assert "turn ended" in log
    assert "sky" not in log.lower(), "a child's words must not be in the log"


def test_a_file_that_is_no_sound_is_said_so_at_once(tmp_path):
    question = tmp_path / "letter.wav"
    question.write_text("Dear toy, ")
    done = run(sys.executable, "-m", "tools.talk", "--question", str(question))
    assert done.returncode == 1
    assert "cannot be read as a sound file" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


def test_a_missing_model_is_said_in_plain_words(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tools.talk", "--out", str(tmp_path)], cwd=ROOT, text=True,
        env={**os.environ, "BRAMBLE_MODELS_DIR": str(tmp_path)}, capture_output=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "tools.models get" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


def test_the_latency_bench_writes_its_figures(tmp_path):
    path = tmp_path / "latency.json"
    done = run(sys.executable, "-m", "tools.bench", "latency", "--count", "2", "--json", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(path.read_text())
    assert result["runs"] >= 2  # and each in noise, hands-free and over an uneven network
    figures = result["figures"]
    for name in ("turnaround_ms", "voice_to_voice_ms", "first_sound_ms"):
        assert 0 < figures[f"{name}_p50"] <= figures[f"{name}_p95"]
    assert 0 <= figures["word_error_rate"] < 0.5
    assert figures["unanswered"] == 0
