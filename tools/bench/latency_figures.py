"""What the rows of the latency bench say: figures, tables and pictures. Pure.

A row is one question, as it also stands in the JSON file, so that pictures can be made again from
that. Times are in ms; stages count from the end of speech as the relay knew it, and are negative
when the work was done before it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from relay.record import Stage
from tools.bench import chart
from tools.bench.asking import Run
from tools.bench.baseline import BASELINE, Answer
from tools.bench.report import Row, p50_p95, percentile
from tools.bench.speech import word_errors, words

HOLD: Literal["hold"] = "hold"
TAP: Literal["tap"] = "tap"
QUIET = "quiet"
STAGES = {
    Stage.TEXT: "recognise",
    Stage.HEARD_CHECKED: "check the question",
    Stage.FIRST_TOKEN: "model's first token",
    Stage.FIRST_SENTENCE: "first sentence",
    Stage.SAID_CHECKED: "check it",
    Stage.FIRST_SPEECH: "speak it",
    Stage.FIRST_FRAME: "send its first frame",
}
GOALS = {
    "turnaround_ms_p50": 300.0,
    "turnaround_ms_p95": 600.0,
    "voice_to_voice_ms_p50": 800.0,
    "voice_to_voice_ms_p95": 1200.0,
    "first_sound_ms_p95": 150.0,
    "cut_off": 0.0,
    "unanswered": 0.0,
    "gaps_with_jitter": 0.0,
}


def row_of(run: Run) -> dict[str, object]:
    """Return one question that was asked of the toy."""
    record = run.record
    return {
        "question": run.question.name,
        "pipeline": "bramble",
        "mode": run.mode,
        "place": run.question.place,
        "paused": run.question.paused,
        "jitter_ms": run.jitter_ms,
        "spoken": run.question.text,
        "heard": record.heard,
        "said": " ".join(record.said),
        "outcome": record.outcome.value if record.outcome else None,
        "answered": run.answered,
        "cut_off": run.cut_off,
        **{_column(s): _rounded(record.between_ms(Stage.END_OF_SPEECH, s)) for s in STAGES},
        "turnaround_ms": _rounded(run.turnaround_ms),
        "voice_to_voice_ms": _rounded(run.voice_to_voice_ms),
        "first_sound_ms": _rounded(run.first_sound_ms),
        "gaps": len(run.reply.gaps_ms),
        "gaps_ms": [round(gap) for gap in run.reply.gaps_ms],
        "longest_silence_ms": _rounded(run.longest_silence_ms),
    }


def baseline_row(answer: Answer) -> dict[str, object]:
    """Return one question that the plain pipeline answered."""
    return {
        "question": answer.question.name,
        "pipeline": BASELINE,
        "mode": HOLD,
        "place": answer.question.place,
        "spoken": answer.question.text,
        "heard": answer.heard,
        "said": answer.said,
        "answered": bool(answer.said),
        "text_ms": _rounded(answer.text_ms),
        "first_token_ms": _rounded(answer.first_token_ms),
        "first_sentence_ms": _rounded(answer.first_sentence_ms),
        "first_speech_ms": _rounded(answer.first_speech_ms),
        "turnaround_ms": _rounded(answer.first_speech_ms),
        "voice_to_voice_ms": _rounded(answer.voice_to_voice_ms),
        "tokens": answer.tokens,
        "tokens_per_s": _rounded(answer.tokens_per_s),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def numbers(rows: Sequence[Row], name: str) -> list[float]:
    """Return the values of a column that there are."""
    return [float(value) for row in rows if isinstance(value := row.get(name), (int, float))]


def pick(rows: Sequence[Row], **wanted: object) -> list[Row]:
    """Return the rows whose columns have these values."""
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def error_rate(rows: Sequence[Row]) -> float | None:
    """Return words wrong for each word spoken, None if it is not known what was spoken."""
    known = [(str(row["spoken"]), str(row["heard"])) for row in rows if row.get("spoken")]
    spoken = sum(len(words(text)) for text, _ in known)
    wrong = sum(word_errors(text, heard) for text, heard in known)
    return round(wrong / spoken, 4) if spoken else None


def figures_of(rows: Sequence[Row]) -> dict[str, float]:
    """Return the figures by name, unit and percentile in the name.

    `turnaround` and `first_sound` are of hold-to-talk, `voice_to_voice` is hands-free, each over
    quiet and noise; where only one mode was asked in, all are of that.
    """
    ours = pick(rows, pipeline="bramble")
    steady = [row for row in ours if not row.get("jitter_ms")]
    held, tapped = pick(steady, mode=HOLD), pick(steady, mode=TAP)
    figures: dict[str, float] = {}
    figures |= p50_p95("turnaround_ms", numbers(held or tapped, "turnaround_ms"))
    figures |= p50_p95("voice_to_voice_ms", numbers(tapped or held, "voice_to_voice_ms"))
    figures |= p50_p95("first_sound_ms", numbers(held, "first_sound_ms"))
    for place in places(ours):
        here = pick(held or tapped, place=place)
        suffix = "" if place == QUIET else f"_{place}"
        figures |= p50_p95(f"turnaround_{place}_ms", numbers(here, "turnaround_ms"))
        figures |= _rate(f"word_error_rate{suffix}", pick(here, paused=False))
    if held and tapped:
        figures |= p50_p95("voice_to_voice_hold_ms", numbers(held, "voice_to_voice_ms"))
    if tapped:
        figures["cut_off"] = sum(bool(row["cut_off"]) for row in tapped)
        figures["asked_with_pause"] = len(pick(tapped, paused=True))
    figures["unanswered"] = sum(not row["answered"] for row in ours)
    figures["gaps"] = sum(numbers(steady, "gaps"))
    if jittered := [row for row in ours if row.get("jitter_ms")]:
        figures["gaps_with_jitter"] = sum(numbers(jittered, "gaps"))
        figures["longest_silence_ms_max"] = max(numbers(jittered, "longest_silence_ms"))
    return figures | _compared(rows, held or tapped, figures)


def _compared(
    rows: Sequence[Row], ours: Sequence[Row], figures: Mapping[str, float]
) -> dict[str, float]:
    """Return the plain pipeline's figures and how many times longer it takes."""
    plain = pick(rows, pipeline=BASELINE)
    if not plain:
        return {}
    found = p50_p95("baseline_turnaround_ms", numbers(plain, "turnaround_ms"))
    found |= p50_p95("baseline_voice_to_voice_ms", numbers(plain, "voice_to_voice_ms"))
    for name in ("tokens", "tokens_per_s"):
        if values := numbers(plain, name):
            found[f"first_sentence_{name}_p50"] = percentile(values, 50)
    for place in places(plain):
        suffix = "" if place == QUIET else f"_{place}"
        found |= _rate(f"baseline_word_error_rate{suffix}", pick(plain, place=place))
    for name in ("turnaround_ms_p50", "voice_to_voice_ms_p50"):
        if figures.get(name) and f"baseline_{name}" in found:
            found[f"baseline_ratio_{name[:-7]}"] = round(
                found[f"baseline_{name}"] / figures[name], 2
            )
    return found


def _rate(name: str, rows: Sequence[Row]) -> dict[str, float]:
    rate = error_rate(rows)
    return {} if rate is None else {name: rate}


def places(rows: Sequence[Row]) -> list[str]:
    """Return the noise levels that were measured, quiet first, then louder and louder noise."""
    found = {str(row["place"]) for row in rows}
    return sorted(
        found,
        key=lambda place: (
            (place != QUIET, -int(place.rpartition("_")[2] or 0)) if place != QUIET else (False, 0)
        ),
    )


def place_title(place: str) -> str:
    """Return a noise level in words."""
    return place if place == QUIET else f"noise at {place.removeprefix('snr_')} dB"


def stage_rows(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return a table: each stage's percentiles after the end of speech, and its own share.

    Only turns that went through all stages count, so that each step is between the same turns:
    reviewed words skip the model.
    """
    reached = [[stage for stage in STAGES if numbers([row], _column(stage))] for row in rows]
    longest = max(map(len, reached), default=0)
    whole = [row for row, stages in zip(rows, reached, strict=True) if len(stages) == longest]
    table: list[dict[str, object]] = []
    before = 0.0
    for stage, title in STAGES.items():
        if values := numbers(whole, _column(stage)):
            p50, p95 = (percentile(values, percent) for percent in (50, 95))
            table.append({"stage": title, "p50 ms": p50, "p95 ms": p95, "step ms": p50 - before})
            before = p50
    return table


def _column(stage: Stage) -> str:
    return f"{stage.value}_ms"


def pictures_of(rows: Sequence[Row]) -> dict[str, str]:
    """Return pictures as SVG text, by what they show."""
    ours = [row for row in pick(rows, pipeline="bramble") if not row.get("jitter_ms")]
    held, tapped = pick(ours, mode=HOLD), pick(ours, mode=TAP)
    pictures = {}
    for name, title, column, chosen, goals in (
        (
            "turnaround",
            "Turnaround: question over to first sound sent, hold to talk",
            "turnaround_ms",
            held,
            {"goal: median 300": 300.0, "goal: 95 % 600": 600.0},
        ),
        (
            "voice-to-voice",
            "Voice to voice: last sample in to first word out, hands-free",
            "voice_to_voice_ms",
            tapped,
            {"goal: median 800": 800.0, "goal: 95 % 1200": 1200.0},
        ),
        (
            "first-sound",
            "First sound of any kind after the paw is released",
            "first_sound_ms",
            held,
            {"goal: always 150": 150.0},
        ),
    ):
        by_place = {
            place_title(place): numbers(pick(chosen, place=place), column)
            for place in places(chosen)
        }
        if any(by_place.values()):
            pictures[name] = chart.histogram(title, "ms", by_place, goals)
    steps, before = [], 0.0
    for entry in stage_rows(held or tapped):
        at = float(str(entry["p50 ms"]))
        steps.append((str(entry["stage"]), min(before, at), at))
        before = at
    if steps:
        title = "Where the milliseconds go: medians, stage after stage"
        pictures["stages"] = chart.waterfall(title, "ms after the end of speech", steps)
    plain = pick(rows, pipeline=BASELINE)
    if plain and held:
        pictures["baseline"] = chart.histogram(
            "The same questions and models in a plain pipeline",
            "ms of turnaround",
            {"Bramble": numbers(held, "turnaround_ms"), "plain": numbers(plain, "turnaround_ms")},
        )
    return pictures
