"""From a spoken question to the toy's answer: the time of every stage, and the words misheard.

Questions of several voices, pitches and speeds are spoken to a virtual toy; the relay and the
models are the real ones. `turnaround` is from when the relay learns that the child has finished to
the first reply frame on the socket, `voice_to_voice` from the last voiced sample into the
microphone to the first word out of the speaker, `first_sound` from letting go of the paw to the
first sound of any kind (in tap mode: from the last voiced sample).
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from relay.config import LogSettings
from relay.errors import RelayError
from relay.record import Outcome, Stage, TurnRecord
from relay.telemetry import set_up_logging
from tools.bench.report import Row, machine, p50_p95, percentile, print_table, write_json
from tools.bench.speech import spoken_questions, word_errors, words
from tools.talk.home import open_home
from tools.talk.recording import RecordingError, read_recording
from tools.talk.timeline import RELAY_STEPS
from tools.virtual_toy import Reply, VirtualToy, VirtualToyError

DEFAULT_COUNT = 21
CACHE = Path("out/questions")
LOG = Path("out/bench/latency.log")
READY_TIMEOUT_S = 30


@dataclass(frozen=True)
class Question:
    """A recording, and the words spoken in it where they are known."""

    name: str
    path: Path
    text: str | None


@dataclass(frozen=True)
class Run:
    """One question asked, and what came of it."""

    question: Question
    record: TurnRecord
    reply: Reply

    @property
    def answered(self) -> bool:
        """Whether words that answer the question came out of the speaker."""
        good = self.record.outcome in {Outcome.ANSWERED, Outcome.REVIEWED}
        return good and self.reply.answered

    @property
    def turnaround_ms(self) -> float | None:
        """From the end of speech, as the relay knows it, to the first frame."""
        return self.record.between_ms(Stage.END_OF_SPEECH, Stage.FIRST_FRAME)

    @property
    def voice_to_voice_ms(self) -> float | None:
        """From the last voiced sample in to the first word out."""
        return self.reply.voice_to_voice_ms

    @property
    def first_sound_ms(self) -> float | None:
        """From letting go (tap: from the last voiced sample) to the first sound of any kind."""
        start = self.reply.released_at or self.reply.last_voiced_at
        heard = self.reply.first_sample_at
        return None if start is None or heard is None else (heard - start) * 1000


def main(argv: list[str]) -> int:
    """Measure; return 0 when every question was answered."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench latency", description=__doc__)
    add = parser.add_argument
    add("--questions", type=Path, metavar="DIR", help="your own WAVs; words in a .txt beside each")
    add("--count", type=int, default=DEFAULT_COUNT, help=f"how many (default {DEFAULT_COUNT})")
    add("--mode", choices=("hold", "tap"), default="hold", help="hold the paw, or tap it once")
    add("--age", type=int, default=7, choices=range(3, 14), metavar="YEARS", help="3 to 13")
    add("--max-tokens", type=int, default=48, help="longest answer: the times end at its start")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args(argv)
    console = Console()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    before = machine()
    try:
        questions = find_questions(arguments.questions, arguments.count)
        with LOG.open("w", encoding="utf-8") as log:
            set_up_logging(LogSettings(), log)
            runs = asyncio.run(measure(questions, arguments, console))
    except (RelayError, RecordingError, VirtualToyError, RuntimeError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    figures, rows = figures_of(runs), [row_of(run) for run in runs]
    show(runs, figures, console)
    if arguments.json:
        write_json(
            arguments.json,
            bench="latency",
            figures=figures,
            rows=rows,
            runs=len(runs),
            machine_before=before,
        )
    return 0 if all(run.answered for run in runs) else 1


def find_questions(folder: Path | None, count: int) -> list[Question]:
    """Return the recordings of `folder`, or `count` spoken questions made here."""
    if folder is None:
        made = spoken_questions(CACHE, count)
        return [Question(f"{q.speaker.name}: {q.text}", q.path, q.text) for q in made]
    paths = sorted(folder.glob("*.wav"))[:count]
    if not paths:
        raise RecordingError(f"there is no WAV file in {folder}")
    texts = [path.with_suffix(".txt") for path in paths]
    return [
        Question(path.stem, path, text.read_text(encoding="utf-8") if text.is_file() else None)
        for path, text in zip(paths, texts, strict=True)
    ]


async def measure(
    questions: list[Question], arguments: argparse.Namespace, console: Console
) -> list[Run]:
    """Ask every question, one after the other, as one child would."""
    recordings = [read_recording(question.path) for question in questions]
    runs = []
    # Faster than a child would ask: the limit on questions a minute must not be what is measured.
    limits, llm = {"turns_per_minute": 600}, {"max_tokens": arguments.max_tokens}
    async with open_home(limits=limits, llm=llm) as home:
        token = await home.pair(age=arguments.age)
        async with VirtualToy(relay_url=home.url, token=token, age=arguments.age) as toy:
            await toy.wait_until_ready(READY_TIMEOUT_S)
            pairs = list(zip(questions, recordings, strict=True))
            for question, pcm in track(pairs, "asking", console=console, transient=True):
                record, reply = await home.ask(toy, pcm, mode=arguments.mode)
                runs.append(Run(question, record, reply))
    return runs


def figures_of(runs: list[Run]) -> dict[str, float]:
    """Return the figures by name, unit and percentile in the name."""
    figures: dict[str, float] = {}
    for name in ("turnaround_ms", "voice_to_voice_ms", "first_sound_ms"):
        values = [value for run in runs if (value := getattr(run, name)) is not None]
        figures |= p50_p95(name, values)
    known = [(run.question.text, run.record.heard) for run in runs if run.question.text]
    spoken = sum(len(words(text)) for text, _ in known)
    if spoken:
        errors = sum(word_errors(text, heard) for text, heard in known)
        figures["word_error_rate"] = round(errors / spoken, 4)
    figures["unanswered"] = sum(not run.answered for run in runs)
    figures["gaps"] = sum(len(run.reply.gaps_ms) for run in runs)
    return figures


def row_of(run: Run) -> Row:
    """Return one question's times for the JSON file: ms after the end of speech."""
    stages = {
        f"{stage.value}_ms": _rounded(run.record.between_ms(Stage.END_OF_SPEECH, stage))
        for stage in RELAY_STEPS
        if stage is not Stage.END_OF_SPEECH
    }
    return {
        "question": run.question.name,
        "heard": run.record.heard,
        "said": " ".join(run.record.said),
        "outcome": run.record.outcome.value if run.record.outcome else None,
        **stages,
        "turnaround_ms": _rounded(run.turnaround_ms),
        "voice_to_voice_ms": _rounded(run.voice_to_voice_ms),
        "first_sound_ms": _rounded(run.first_sound_ms),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def show(runs: list[Run], figures: dict[str, float], console: Console) -> None:
    """Print the stages' percentiles, what was misheard, and the figures."""
    stage_rows = []
    before: dict[int, float] = {}
    for stage, title in RELAY_STEPS.items():
        values = [t for run in runs if (t := run.record.between_ms(Stage.END_OF_SPEECH, stage))]
        if values:
            p50, p95 = (percentile(values, percent) for percent in (50, 95))
            step = p50 - before.get(50, 0.0)
            before[50] = p50
            stage_rows.append({"stage": title, "p50 ms": p50, "p95 ms": p95, "step ms": step})
    print_table(f"After the end of speech, {len(runs)} questions", stage_rows, console)
    for run in runs:
        if run.question.text and words(run.question.text) != words(run.record.heard):
            console.print(f"misheard  {run.question.name}  ->  {run.record.heard}", style="dim")
        if not run.answered:
            console.print(f"[red]not answered: {run.question.name} ({run.record.outcome})")
    print_table("Figures", [{"figure": k, "value": v} for k, v in figures.items()], console)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
