"""What `make talk` prints: pleasant on a terminal, plain text in a pipe."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from relay.config import SttSettings
from relay.engines import Engines
from relay.record import Outcome, TurnRecord
from relay.safety.verdict import Action
from tools.talk.timeline import Moment

PIPE_WIDTH = 100

OUTCOMES = {
    Outcome.ANSWERED: "the model's words, checked",
    Outcome.REVIEWED: "reviewed words for this topic and age",
    Outcome.NOT_UNDERSTOOD: "no words were understood",
    Outcome.REFUSED: "too many questions in a minute",
    Outcome.FAILED: "an engine failed; see the log",
    Outcome.CANCELLED: "interrupted",
}


def make_console() -> Console:
    """Return the console: as wide as the terminal, or a fixed width in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def show_engines(console: Console, engines: Engines, stt: SttSettings) -> None:
    """Say what listens, thinks and speaks, and why not Vosk where it does not listen."""
    console.print(f"listens with  {escape(engines.stt.name)}")
    if stt.engine == "auto" and "whisper" in engines.stt.name.lower():
        console.print(
            "              (not Vosk, the first choice: its English model is not here;\n"
            "              python -m tools.models get vosk-small-en fetches it)",
            style="dim",
        )
    console.print(f"thinks with   {escape(engines.llm.name)}")
    console.print(f"speaks with   {escape(engines.tts.name)}\n")


def show_turn(console: Console, title: str, record: TurnRecord, moments: list[Moment]) -> None:
    """Show one question: what was heard, what was answered, and when everything happened."""
    console.rule(f"[bold]{escape(title)}", align="left")
    words = Table.grid(padding=(0, 2, 0, 0))
    words.add_row("heard", f"[bold]{escape(record.heard) or '(nothing)'}")
    for index, sentence in enumerate(record.said):
        words.add_row("" if index else "answered", f"[bold cyan]{escape(sentence)}")
    outcome = OUTCOMES[record.outcome] if record.outcome else "unfinished"
    topics = {v.category for v in record.verdicts if v.action is not Action.ALLOW and v.category}
    about = f": {', '.join(sorted(topics))}" if topics else ""
    words.add_row("", f"[dim]({outcome}{about})")
    console.print(words, "")
    console.print(_times(moments), "")


def _times(moments: list[Moment]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("at ms", justify="right")
    table.add_column("step", justify="right")
    table.add_column("who")
    table.add_column("what")
    before = moments[0].at_ms if moments else 0.0
    for moment in moments:
        style = "green" if moment.where == "toy" else None
        step = f"+{moment.at_ms - before:.0f}"
        table.add_row(f"{moment.at_ms:.0f}", step, moment.where, moment.what, style=style)
        before = moment.at_ms
    return table


def show_saved(console: Console, path: Path, duration_s: float) -> None:
    """Say where the reply lies, as it came out of the toy's speaker."""
    console.print(f"saved  {escape(str(path))}  ({duration_s:.1f} s, as the speaker played it)\n")
