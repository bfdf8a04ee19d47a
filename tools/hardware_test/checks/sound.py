"""A question in, an answer out: through microphone, relay, models and speaker, and back."""

import asyncio
from pathlib import Path

from relay.record import Outcome, TurnRecord
from tools.bench.speech import word_error_rate
from tools.hardware_test.bench import Bench, start
from tools.hardware_test.result import Check, Row, Verdict, verdict_of
from tools.talk.make_questions import FOLDER, QUESTIONS
from tools.talk.recording import read_recording
from tools.virtual_toy import VirtualToy

TITLE = "A question and its answer"
MOST_WRONG = 0.35  # word error rate; a small recogniser on clear speech is well below it
ASKED = (0, 2)  # of QUESTIONS: short ones
PERSON_S = 90
GOOD = {Outcome.ANSWERED, Outcome.REVIEWED}


async def sound(bench: Bench, person: bool) -> Check:
    """Ask recorded questions of a simulated toy; have a person ask a real one."""
    await start(bench)
    if bench.virtual is not None:
        await bench.virtual.wait_until_ready()
        return await _ask_recorded(bench, bench.virtual)
    if not person:
        return Check(TITLE, Verdict.NOT_RUN, "it takes a person to ask: give --person")
    return await _ask_by_person(bench)


async def _ask_recorded(bench: Bench, toy: VirtualToy) -> Check:
    failures: list[str] = []
    rows: list[Row] = []
    voice_to_voice = []
    for name, text, _ in (QUESTIONS[index] for index in ASKED):
        record, reply = await bench.home.ask(toy, read_recording(Path(FOLDER) / f"{name}.wav"))
        wrong = word_error_rate(text, record.heard)
        back = await _understood(bench, record, reply.speech.astype("<i2").tobytes())
        if record.outcome not in GOOD or not reply.answered:
            failures.append(f"{name}: no spoken answer ({record.outcome})")
        if wrong > MOST_WRONG:
            failures.append(f"{name}: {wrong:.0%} of the question's words were misheard")
        if reply.gaps_ms:
            failures.append(f"{name}: the answer had {len(reply.gaps_ms)} holes")
        voice_to_voice.append(reply.voice_to_voice_ms or 0.0)
        rows.append(
            {
                "question": name,
                "words misheard": f"{wrong:.0%}",
                "voice to voice ms": round(reply.voice_to_voice_ms or 0),
                "answer s": round(reply.duration_ms / 1000, 1),
                "holes": len(reply.gaps_ms),
                "answer's words lost": f"{back:.0%}",
            }
        )
    figures = {"voice_to_voice_ms_max": round(max(voice_to_voice), 1)}
    why = "; ".join(failures) or "every question was understood and answered aloud, without holes"
    return Check(TITLE, verdict_of(failures), why, figures, rows)


async def _understood(bench: Bench, record: TurnRecord, pcm: bytes) -> float:
    """Return the share of the answer's words that the relay's own ears do not understand."""
    recognition = bench.home.relay.engines.stt.start()
    recognition.accept(pcm)
    heard = (await recognition.finish()).text
    return min(1.0, word_error_rate(" ".join(record.said), heard))


async def _ask_by_person(bench: Bench) -> Check:
    """Wait until somebody has squeezed the paw, asked, and heard all of the answer."""
    count = len(bench.home.records)
    try:
        await bench.home.record_after(count, PERSON_S)
    except (TimeoutError, asyncio.TimeoutError):  # two classes before Python 3.11
        return Check(TITLE, Verdict.FAILED, f"nobody was heard to the end within {PERSON_S} s")
    record = bench.home.records[count]
    good = record.outcome in GOOD
    outcome = record.outcome.value if record.outcome else "none"
    figures = {"heard_ms": record.audio_in_ms, "said_ms": record.audio_out_ms}
    verdict = Verdict.PASSED if good and record.audio_out_ms else Verdict.FAILED
    return Check(TITLE, verdict, f"the turn ended as: {outcome}", figures)
