import asyncio
import gc
import io
import json
import logging
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import LogSettings
from relay.errors import EngineError
from relay.record import Outcome, Stage, TurnRecord
from relay.redaction import HIDDEN, clean_field, clean_text
from relay.safety.verdict import Action, Verdict
from relay.telemetry import (
    JsonFormatter,
    TextFormatter,
    correlated,
    current_correlation,
    log,
    log_turn,
    log_uncaught_exceptions,
    new_session_id,
    set_up_logging,
)

CANARY = "Zz9canary9zZ"
SECRET = "H-ZS6PKSTEt9fz6cqM9DICM__szuCzO8IDe_1Pjq8KI"
HIDING_NAMES = ("password", "token", "secret", "text", "heard", "said", "api_key", "psk")

logger = logging.getLogger("relay.test")


@pytest.fixture
def output():
    """The log at its most talkative, restored afterwards."""
    names = ["", "relay", "tools", "websockets", "httpx", "httpcore", "sqlalchemy", "alembic"]
    names += ["asyncio", "faster_whisper", "pyttsx3"]
    levels = {name: logging.getLogger(name).level for name in names}
    stream = io.StringIO()
    set_up_logging(LogSettings(level="DEBUG", format="json"), stream)
    yield stream
    root = logging.getLogger()
    for handler in [h for h in root.handlers if h.get_name() == "bramble"]:
        root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(False)


def entries(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def both_formats(message, fields):
    record = logging.LogRecord("relay.test", logging.INFO, __file__, 1, message, (), None)
    record.fields = fields
    return TextFormatter().format(record), JsonFormatter().format(record)


def test_an_event_carries_its_session_and_turn(output):
    with correlated(session="3fa9c2d81b07", turn=7):
        log(logger, logging.INFO, "turn ended", outcome=Outcome.ANSWERED, audio_in_ms=20)
    log(logger, logging.INFO, "idle")
    first, second = entries(output)
    assert (first["session"], first["turn"], first["event"]) == ("3fa9c2d81b07", 7, "turn ended")
    assert first["fields"] == {"outcome": "answered", "audio_in_ms": 20}
    assert "session" not in second


async def test_tasks_do_not_share_their_correlation(output):
    async def session(name):
        with correlated(session=name):
            await asyncio.sleep(0)
            with correlated(turn=1):
                await asyncio.sleep(0)
                log(logger, logging.INFO, name)

    await asyncio.gather(*(session(f"{n:012x}") for n in range(10)))
    assert len(entries(output)) == 10
    assert all(entry["event"] == entry["session"] for entry in entries(output))
    assert current_correlation().session == ""


def test_session_ids_are_twelve_hex_digits():
    assert len({new_session_id() for _ in range(100)}) == 100
    assert all(len(id) == 12 and int(id, 16) >= 0 for id in [new_session_id()])


def test_errors_say_where_but_not_what_a_child_said(output):
    try:
        int(CANARY)
    except ValueError:
        log(logger, logging.ERROR, "turn failed")
    try:
        raise EngineError("stt.whisper", "the model is missing")
    except EngineError:
        log(logger, logging.ERROR, "turn failed")
    assert CANARY not in output.getvalue()
    hidden, shown = (entry["exception"] for entry in entries(output))
    assert hidden[0] == "ValueError"
    assert "test_telemetry.py" in hidden[1]
    assert shown[0] == "EngineError: stt.whisper: the model is missing"


async def test_what_asyncio_reports_is_cut_to_its_kind(output):
    async def fail():
        raise ValueError(CANARY)

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    asyncio.get_running_loop().call_soon(int, CANARY)
    await asyncio.sleep(0)
    assert CANARY not in output.getvalue()
    lost, callback = entries(output)
    assert lost["event"] == "Task exception was never retrieved"
    assert lost["exception"][0] == callback["exception"][0] == "ValueError"
    assert callback["event"] == "Exception in callback int"


def test_what_nobody_catches_is_logged_without_its_message(output, monkeypatch):
    for hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(*hook, getattr(*hook))  # put back afterwards
    log_uncaught_exceptions()
    thread = threading.Thread(target=int, args=(CANARY,))
    thread.start()
    thread.join()
    try:
        int(CANARY)
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert CANARY not in output.getvalue()
    assert [entry["exception"][0] for entry in entries(output)] == ["ValueError"] * 2


def test_causes_of_an_error_are_named(output):
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise EngineError("tts", "cannot write") from error
    except EngineError:
        log(logger, logging.ERROR, "turn failed")
    assert any("No space left" in line for line in entries(output)[0]["exception"])


def test_libraries_that_print_frames_and_headers_are_held_back(output):
    for name in (
        "websockets.server",
        "websockets.client",
        "httpcore.http11",
        "httpx",
        "sqlalchemy",
    ):
        logging.getLogger(name).debug("> TEXT '%s'", CANARY)
    assert output.getvalue() == ""


def test_setting_up_twice_prints_once(output):
    set_up_logging(LogSettings(format="json"), output)
    log(logger, logging.INFO, "once")
    assert len(entries(output)) == 1


def test_a_turn_is_logged_without_its_words(output):
    record = TurnRecord("3fa9c2d81b07", "c0ffee00", 3)
    record.heard = CANARY
    record.said = [CANARY]
    record.verdicts = [
        Verdict(Action.ALLOW),
        Verdict(Action.CAUTION, "death", "death.pet", reply=CANARY),
    ]
    record.outcome = Outcome.REVIEWED
    record.at = {Stage.END_OF_SPEECH: 10.0, Stage.TEXT: 10.2, Stage.FIRST_FRAME: 10.35}
    log_turn(record)
    (entry,) = entries(output)
    assert CANARY not in output.getvalue()
    assert entry["session"] == "3fa9c2d81b07"
    assert entry["fields"]["outcome"] == "reviewed"
    assert entry["fields"]["text_ms"] == 200
    assert entry["fields"]["first_frame_ms"] == 350
    assert entry["fields"]["stopped"] == ["caution:death"]
    assert "played_ms" not in entry["fields"]


plain = st.text(max_size=10)
leaf = st.just(CANARY) | st.binary(max_size=4) | st.integers() | st.none()
nested = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3)
)


@given(st.sampled_from(HIDING_NAMES), plain, plain, nested, st.booleans())
def test_what_a_hiding_name_holds_is_never_printed(name, before, after, value, upper):
    full = "_".join(part for part in (before, name, after) if part)
    fields = {full.upper() if upper else full: value, "outer": {name: [value]}}
    for line in both_formats("event", fields):
        assert CANARY not in line


@given(st.text(max_size=30), st.text(max_size=30))
def test_tokens_are_cut_out_of_any_text(before, after):
    for token in (f"c0ffee00.{SECRET}", f"Bearer {SECRET}"):
        line = clean_text(f"{before}{token}{after}" if "." in token else f"{before} {token}{after}")
        assert SECRET not in line


@pytest.mark.parametrize(
    "text",
    [
        f"password={CANARY}",
        f'"wifi_password": "{CANARY}"',
        f"Authorization: Bearer {CANARY}",
        f"bearer   {CANARY}",
        f"postgresql://user:{CANARY}@host/database",
        f"api-key: '{CANARY} and more'",
    ],
)
def test_secrets_are_cut_out_of_free_text(text):
    for line in both_formats(text, {"detail": text}):
        assert CANARY not in line


def test_counts_and_times_are_kept():
    assert clean_field("first_token_ms", 85) == 85
    assert clean_field("heard_checked_ms", 3.5) == 3.5
    assert clean_field("password", 1234) == HIDDEN
    assert clean_field("toy", "c0ffee00") == "c0ffee00"


@given(st.text(), st.dictionaries(st.text(), st.text() | nested, max_size=4))
def test_one_event_is_one_line_whatever_it_holds(message, fields):
    text, machine = both_formats(message.replace("%", ""), fields)
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert json.loads(machine)["level"] == "INFO"


def test_unknown_objects_show_their_type_only():
    class Holder:
        def __repr__(self):
            return CANARY

    assert clean_field("holder", Holder()) == "Holder"
