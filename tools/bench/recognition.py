"""Words misheard, and processor time for it: our Whisper and plain faster-whisper, side by side.

Every question, quiet and in the noise of a home, goes to the relay's own engine and to
faster-whisper as that comes, with the same model, up to the moment when a child lets go of the
paw. The processor's time is that of all threads, which is the same on a busy machine.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import Progress

from relay.audio import BYTES_PER_SAMPLE, SAMPLE_RATE, samples_of
from relay.config import Settings
from relay.errors import RelayError
from relay.stt.whisper_engine import WhisperEngine
from tools.bench.baseline import RELEASE_S, load_whisper
from tools.bench.questions import Question, in_noise, made_questions, own_questions
from tools.bench.report import machine, print_table, write_json
from tools.bench.speech import word_errors, words
from tools.talk.recording import RecordingError

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

COUNT, QUICK_COUNT = 84, 7
SNR_DB = (20, 10)
BRAMBLE = "bramble"
PLAIN_BEAMS = {"plain_beam_1": 1, "plain_beam_5": 5}  # faster-whisper's own is 5

Recognise = Callable[[bytes], Awaitable[str]]


def main(argv: list[str]) -> int:
    """Measure; return 0 when it was possible."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench recognition", description=__doc__)
    add = parser.add_argument
    add("--questions", type=Path, metavar="DIR", help="your own WAV files, with what is said")
    add(
        "--count", type=int, metavar="N", help=f"how many questions (default {COUNT}, or all yours)"
    )
    add("--quick", action="store_true", help=f"{QUICK_COUNT} questions")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args(argv)
    if arguments.count is not None and arguments.count < 1:
        parser.error("--count must be 1 or more")
    console, before = Console(), machine()
    try:
        questions = _questions(arguments)
        rows = asyncio.run(measure(questions, Settings(), console))
    except (RelayError, RecordingError, RuntimeError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    summary = summary_of(rows)
    print_table("words misheard, and processor time a question", summary, console)
    if arguments.json:
        figures = {
            f"{row['engine']}_{row['place']}_{name}": value
            for row in summary
            for name, value in row.items()
            if isinstance(value, float)
        }
        write_json(
            arguments.json,
            bench="recognition",
            figures=figures,
            rows=rows,
            runs=len(questions),
            machine_before=before,
        )
    return 0


def _questions(arguments: argparse.Namespace) -> list[Question]:
    """Return the questions whose words are known, quiet and in noise."""
    count = arguments.count or (QUICK_COUNT if arguments.quick else None)
    if arguments.questions:
        own = own_questions(arguments.questions, count)
        quiet = [question for question in own if question.text]
        if not quiet:
            raise RecordingError("none of the recordings has a text file with what is said")
    else:
        quiet = made_questions(count or COUNT)
    return quiet + [noisy for snr_db in SNR_DB for noisy in in_noise(quiet, snr_db)]


async def measure(
    questions: list[Question], settings: Settings, console: Console
) -> list[dict[str, object]]:
    """Return a row for each question and engine; raises EngineError, ModelMissing."""
    engine = await WhisperEngine.load(settings.stt, settings.models_dir)
    plain = await asyncio.to_thread(load_whisper, settings)

    async def bramble(pcm: bytes) -> str:
        recognition = engine.start()
        recognition.accept(pcm)
        return (await recognition.finish()).text

    engines: dict[str, Recognise] = {BRAMBLE: bramble}
    for name, beam in PLAIN_BEAMS.items():
        engines[name] = _plain(plain, settings.stt.language, beam)
    rows = []
    try:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("recognising", total=len(questions) * len(engines))
            for question in questions:
                for name, recognise in engines.items():
                    rows.append(await _row(question, name, recognise))
                    progress.advance(task)
    finally:
        await engine.close()
    return rows


def _plain(model: "WhisperModel", language: str, beam: int) -> Recognise:
    def transcribe(pcm: bytes) -> str:
        sound = samples_of(pcm).astype(np.float32) / 32768
        segments, _ = model.transcribe(sound, language=language, beam_size=beam)
        return " ".join(segment.text.strip() for segment in segments)

    return lambda pcm: asyncio.to_thread(transcribe, pcm)


async def _row(question: Question, engine: str, recognise: Recognise) -> dict[str, object]:
    end = question.voiced_samples + int(RELEASE_S * SAMPLE_RATE)
    began = time.process_time()
    heard = await recognise(question.pcm[: end * BYTES_PER_SAMPLE])
    text = question.text or ""
    return {
        "engine": engine,
        "place": question.place,
        "noise": question.noise,
        "name": question.name,
        "heard": heard,
        "words": len(words(text)),
        "errors": word_errors(text, heard),
        "cpu_ms": round((time.process_time() - began) * 1000, 1),
    }


def summary_of(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return a row for each place and engine: percent of the words misheard, mean CPU time."""
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault((str(row["place"]), str(row["engine"])), []).append(row)
    return [
        {
            "place": place,
            "engine": engine,
            "questions": len(group),
            "words_wrong_percent": round(100 * _sum(group, "errors") / _sum(group, "words"), 1),
            "cpu_ms": round(_sum(group, "cpu_ms") / len(group), 1),
        }
        for (place, engine), group in groups.items()
    ]


def _sum(rows: list[dict[str, object]], name: str) -> float:
    return sum(value for row in rows if isinstance(value := row[name], (int, float)))
