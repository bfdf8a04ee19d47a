"""The tables of docs/performance.md, as Markdown, from the results of the benches. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.bench.baseline import BASELINE
from tools.bench.latency_figures import GOALS as LATENCY_GOALS
from tools.bench.latency_figures import HOLD, TAP, error_rate, pick, place_title, places, stage_rows
from tools.bench.load_figures import GOALS as LOAD_GOALS
from tools.bench.load_figures import summary
from tools.bench.report import verdict

Result = Mapping[str, Any]

# What is measured of each figure, in the order of the table.
GOAL_ROWS = (
    ("latency", "turnaround_ms_p50", "turnaround, hold to talk, median", "ms"),
    ("latency", "turnaround_ms_p95", "the same, 95th percentile", "ms"),
    ("latency", "voice_to_voice_ms_p50", "voice to voice, hands-free, median", "ms"),
    ("latency", "voice_to_voice_ms_p95", "the same, 95th percentile", "ms"),
    ("latency", "cut_off", "children cut off in the middle, hands-free", ""),
    (
        "latency",
        "first_sound_ms_p95",
        "first sound after the paw is released, 95th percentile",
        "ms",
    ),
    ("latency", "unanswered", "questions without an answer", ""),
    ("latency", "gaps_with_jitter", "times the toy ran dry, with 50 ms of network jitter", ""),
    ("load", "idle_cpu_share", "share of one core for the toys connected and idle", ""),
    ("load", "idle_megabytes", "memory for them, over the models", "MB"),
    ("load", "unanswered", "children without an answer, up to 8 at once", ""),
    (
        "load",
        "first_speech_ms_p95",
        "first sound of speech, 8 children at once, 95th percentile",
        "ms",
    ),
    ("load", "cancel_reading_ms_p95", "model free after a hang-up while it reads, 95 %", "ms"),
    ("load", "cancel_writing_ms_p95", "the same while it writes", "ms"),
    ("memory", "growth_bytes_per_turn", "growth of the relay's memory", "bytes a turn"),
    ("memory", "growth_bytes_per_turn_low", "its interval of 95 %: from", "bytes a turn"),
    ("memory", "growth_bytes_per_turn_high", "to", "bytes a turn"),
    ("memory", "turns", "turns that it was watched over, warming up included", ""),
)
NO_GOALS: Mapping[str, float] = {}
GOALS = {"latency": LATENCY_GOALS, "load": LOAD_GOALS, "memory": NO_GOALS}

# Weights in bytes, as in tools/models/models.toml.
MEASURED_MODEL = ("SmolLM2 135M Q4_1 (measured)", 98_362_432)
LARGER_MODELS = (
    ("Llama 3.2 1B Q4_K_M", 807_694_464),
    ("Qwen2.5 1.5B Q4_K_M", 1_117_320_736),
    ("Llama 3.2 3B Q4_K_M", 2_019_377_696),
)
FASTER = (1, 4, 16)  # times this computer's memory bandwidth: laptop with more channels, GPU

BUSY_LOAD = 1.0  # processes that wanted to run before a bench began
BUSY_SHARE = 0.5  # of a core, above which waiting grows quickly
BUSY_HOUR_QUESTIONS = 30  # of one child


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(map(_cell, row)) + " |" for row in rows])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}"
    return str(value)


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate * 100:.1f} %"


def machine(*results: Result) -> str:
    """Return what the figures were measured on, and whether the machine was busy with others."""
    on = results[0]["machine"]
    load = max(float(result["machine"]["load_before"]) for result in results)
    lines = [
        f"Measured on {on['cores']} cores of {on['processor']}, "
        f"{on['memory_bytes'] / 2**30:.0f} GiB, {on['system']}, Python {on['python']}; "
        f"{results[0]['runs']} questions."
    ]
    if load > BUSY_LOAD:
        lines.append(
            f"**The machine was busy with other work (load {load:.1f}): the times are too long.**"
        )
    return "\n".join(lines)


def goals(latency: Result, load: Result, memory: Result) -> str:
    """Return every goal with its figure."""
    results = {"latency": latency, "load": load, "memory": memory}
    rows = []
    for bench, name, about, unit in GOAL_ROWS:
        value = results[bench]["figures"].get(name)
        if value is None:
            continue
        goal = GOALS[bench].get(name)
        shown = f"{_cell(float(value))} {unit}".strip()
        wanted = "" if goal is None else f"{_cell(goal)} {unit}".strip()
        rows.append((about, shown, wanted, "" if goal is None else verdict(value, goal)))
    return table(("What", "Measured", "Goal, at most", ""), rows)


def stages(latency: Result) -> str:
    """Return the stages after the end of speech, for both ways of talking."""
    steady = [row for row in pick(latency["rows"], pipeline="bramble") if not row.get("jitter_ms")]
    parts = []
    for mode, title in ((HOLD, "hold to talk"), (TAP, "hands-free")):
        rows = [
            (entry["stage"], entry["p50 ms"], entry["p95 ms"], entry["step ms"])
            for entry in stage_rows(pick(steady, mode=mode))
        ]
        if rows:
            columns = (f"ms after the end of speech, {title}", "median", "95 %", "own share")
            parts.append(table(columns, rows))
    return "\n\n".join(parts)


def noise(latency: Result) -> str:
    """Return the words misheard by noise level, beside the plain pipeline."""
    ours, plain = (
        pick(latency["rows"], pipeline="bramble"),
        pick(latency["rows"], pipeline=BASELINE),
    )
    steady = [row for row in ours if not row.get("jitter_ms")]
    rows = []
    for place in places(steady):
        held = pick(steady, mode=HOLD, place=place)
        tapped = pick(steady, mode=TAP, place=place, paused=False)
        rates = [error_rate(each) for each in (held, tapped, pick(plain, place=place))]
        rows.append((place_title(place), *map(_percent, rates)))
    return table(("Words wrong", "hold to talk", "hands-free", "plain pipeline"), rows)


def baseline(latency: Result) -> str:
    """Return the plain pipeline side by side."""
    figures = latency["figures"]
    rows = []
    for name, title in (
        ("turnaround", "turnaround, hold to talk"),
        ("voice_to_voice", "voice to voice, hands-free"),
    ):
        ours = [figures.get(f"{name}_ms_{percent}") for percent in ("p50", "p95")]
        plain = [figures.get(f"baseline_{name}_ms_{percent}") for percent in ("p50", "p95")]
        shown = [
            "" if None in pair else f"{pair[0]:.0f} / {pair[1]:.0f} ms" for pair in (ours, plain)
        ]
        ratio = figures.get(f"baseline_ratio_{name}")
        rows.append((title, *shown, "" if ratio is None else f"{ratio:.1f} times"))
    return table(("Median / 95 %", "Bramble", "plain pipeline", "plain takes"), rows)


def children(load: Result) -> str:
    """Return the waiting of children who ask at once."""
    times = ("median ms", "95 % ms", "worst ms", "95 % below, in `/metrics`, ms")
    columns = ("Children", "questions", "unanswered", *times)
    return table(columns, [list(entry.values()) for entry in summary(load["rows"])])


def models(latency: Result) -> str:
    """Return what larger models and faster machines would make of the first sentence."""
    figures = latency["figures"]
    speed = figures.get("first_sentence_tokens_per_s_p50")
    tokens = figures.get("first_sentence_tokens_p50")
    if not speed or not tokens:
        return "Measured with `--baseline` only."
    rows = []
    for name, weights in (MEASURED_MODEL, *LARGER_MODELS):
        here = speed * MEASURED_MODEL[1] / weights
        times = [f"{tokens / (here * faster):.2f} s" for faster in FASTER]
        rows.append((name, f"{here:.1f}", *times))
    columns = ["Model", "tokens/s here"]
    columns += [f"first sentence, {'here' if n == 1 else f'{n} times faster'}" for n in FASTER]
    return f"A first sentence has {tokens:.0f} tokens (median).\n\n" + table(columns, rows)


def homes(load: Result) -> str:
    """Return how many homes one computer would serve, by arithmetic."""
    figures, cores = load["figures"], load["machine"]["cores"]
    each_s = figures.get("processor_s_per_question")
    if not each_s:
        return "Not measured."
    questions = 3600 * cores * BUSY_SHARE / each_s
    per_toy_mb = figures["idle_megabytes"] / figures["idle_toys"]
    idle_share = figures["idle_cpu_share"] / figures["idle_toys"]
    rows = [
        ("processor time of one question with its whole answer", f"{each_s:.2f} s"),
        (f"questions an hour that keep {cores} cores half busy", f"{questions:.0f}"),
        (
            f"children who can each ask {BUSY_HOUR_QUESTIONS} of them in that hour",
            f"{questions / BUSY_HOUR_QUESTIONS:.0f}",
        ),
        (
            "processor time of a fresh relay's first work, once",
            f"{figures.get('start_processor_s', 0):.1f} s",
        ),
        ("memory of the relay with its models", f"{figures['relay_megabytes']:.0f} MB"),
        ("memory of each connected toy", f"{per_toy_mb:.2f} MB"),
        ("share of a core of each idle toy", f"{idle_share * 100:.3f} %"),
        ("idle toys that would fill one core", f"{1 / idle_share:.0f}" if idle_share else "no end"),
    ]
    return table(("What", ""), rows)
