"""What Prometheus is shown, to whom, and that it tells nothing about anybody."""

import asyncio
import dataclasses

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.config import MetricsSettings, Settings
from relay.metrics import Metrics
from relay.record import Outcome, Stage, TurnRecord
from relay.safety.verdict import Action, Verdict
from relay.server import Server
from relay.session import State
from tests.relay.house import House, until
from tests.relay.scripted_engines import ScriptedEngines, ScriptedSafety
from tests.relay.scripted_guardian import ScriptedGuardian
from tests.relay.test_app import home as real_home  # noqa: F401 - a fixture


@dataclasses.dataclass
class Connected:
    state: State


def record(**changes):
    at = {
        Stage.LAST_VOICE: 9.5,
        Stage.END_OF_SPEECH: 10.0,
        Stage.TEXT: 9.9,  # known before the end: the child was only thought to go on
        Stage.FIRST_FRAME: 10.25,
    }
    return TurnRecord("session", "toy", 1, at=at, outcome=Outcome.ANSWERED, **changes)


def read(text):
    """Return the samples of a page: (name, labels as sorted pairs) to value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def page(metrics, *states):
    return read(metrics.page([Connected(state) for state in states]))


def test_a_turn_is_counted_stage_by_stage():
    metrics = Metrics(MetricsSettings())
    metrics.observe(record(verdicts=[Verdict(Action.ALLOW), Verdict(Action.BLOCK)]))
    found = page(metrics)
    frame = (("stage", "first_frame"),)
    assert found["bramble_turn_stage_seconds_count", frame] == 1
    assert found["bramble_turn_stage_seconds_sum", frame] == pytest.approx(0.25)
    assert found["bramble_turn_stage_seconds_sum", (("stage", "text"),)] == 0
    assert found["bramble_turn_after_voice_seconds_sum", ()] == pytest.approx(0.75)
    assert found["bramble_turns_total", (("outcome", "answered"),)] == 1
    assert found["bramble_verdicts_total", (("action", "block"),)] == 1
    assert found["bramble_verdicts_total", (("action", "caution"),)] == 0


def test_answers_begun_early_are_counted_as_kept_or_thrown_away():
    metrics = Metrics(MetricsSettings())
    metrics.observe(record(speculations=3, speculation_kept=True))
    metrics.observe(record(speculations=1))
    found = page(metrics)
    assert found["bramble_speculations_total", (("result", "kept"),)] == 1
    assert found["bramble_speculations_total", (("result", "thrown_away"),)] == 3


def test_a_turn_that_was_never_answered_has_no_times():
    metrics = Metrics(MetricsSettings())
    metrics.observe(TurnRecord("session", "toy", 1, outcome=Outcome.CANCELLED))
    found = page(metrics)
    assert ("bramble_turn_stage_seconds_count", (("stage", "first_frame"),)) not in found
    assert found["bramble_turns_total", (("outcome", "cancelled"),)] == 1


def test_toys_are_counted_as_they_are_now():
    metrics = Metrics(MetricsSettings())
    found = page(metrics, State.IDLE, State.IDLE, State.SPEAKING)
    assert found["bramble_toys", (("state", "idle"),)] == 2
    assert found["bramble_toys", (("state", "speaking"),)] == 1
    assert page(metrics)["bramble_toys", (("state", "idle"),)] == 0


async def test_an_event_loop_that_is_held_up_shows():
    metrics = Metrics(MetricsSettings())
    watcher = asyncio.create_task(metrics.watch_loop())
    await asyncio.sleep(0)
    held_up = asyncio.get_running_loop().time() + 0.6
    while asyncio.get_running_loop().time() < held_up:
        pass
    await until(lambda: page(metrics)["bramble_event_loop_lag_seconds_count", ()] > 0)
    watcher.cancel()
    assert page(metrics)["bramble_event_loop_lag_seconds_sum", ()] >= 0.3


@pytest.mark.parametrize(
    ("allow", "address", "shown"),
    [
        (None, "127.0.0.1", True),
        (None, "::1", True),
        (None, "::ffff:127.0.0.1", True),
        (None, "192.168.1.7", False),
        (None, "", False),
        (None, "not an address", False),
        (["192.168.1.0/24"], "192.168.1.7", True),
        (["192.168.1.0/24"], "192.168.2.7", False),
        (["192.168.1.0/24"], "127.0.0.1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        ([], "127.0.0.1", False),
    ],
)
def test_who_may_see_the_figures(allow, address, shown):
    settings = MetricsSettings() if allow is None else MetricsSettings(allow=allow)
    assert Metrics(settings).allows(address) is shown


def test_what_is_no_network_is_refused_in_plain_words():
    with pytest.raises(ValueError, match=r"'the kitchen' is no network"):
        MetricsSettings(allow=["the kitchen"])


async def test_a_running_relay_shows_its_figures_and_nobody_in_them(real_home):  # noqa: F811
    relay, _ = real_home
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{relay.port}/metrics")
    assert answer.status_code == httpx.codes.OK
    assert answer.headers.get_list("content-type") == ["text/plain; version=0.0.4; charset=utf-8"]
    labels = {label for _, pairs in read(answer.text) for label, _ in pairs}
    assert labels <= {"stage", "outcome", "action", "state", "result", "le"}


async def test_whoever_is_not_allowed_finds_nothing(house: House):
    metrics = Metrics(MetricsSettings(allow=[]))
    server = Server(
        settings=Settings(listen={"host": "127.0.0.1", "port": 0}),
        engines=ScriptedEngines(),
        safety=ScriptedSafety(),
        authenticate=house.authenticate,
        lines=None,
        alerts=house.alert,
        guardian=ScriptedGuardian(),
        metrics=metrics,
    )
    await server.start()
    try:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{server.port}/metrics")
    finally:
        await server.stop()
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "bramble" not in answer.text
