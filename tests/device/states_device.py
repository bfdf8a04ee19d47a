"""The state machine: whole conversations through the table, and no way to get stuck in it."""

from device.button import Press
from device.states import IN_CONVERSATION, TABLE, Action, Event, State, step
from tests.device.check import equal

PAIRS = {(state, event): after for state, row in TABLE.items() for event, after in row.items()}


def values(cls):
    return [getattr(cls, name) for name in dir(cls) if not name.startswith("__")]


def live(state, *events):
    """Let events happen; return (state, all actions)."""
    done = []
    for event in events:
        state, actions = step(state, event)
        done.extend(actions)
    return state, done


def test_hold_to_talk():
    state, done = live(State.IDLE, Event.DOWN, Event.HOLD, Event.UP)
    equal(state, State.THINKING)
    equal(done[:2], [Action.SILENCE, Action.BEGIN])
    equal(done[2:], [Action.ANNOUNCE_HOLD, Action.END, Action.CHIRP_HEARD])
    equal(
        live(state, Event.SPEECH_START, Event.PLAYED),
        (State.IDLE, [Action.CLOSE, Action.PLAY]),
    )


def test_tap_to_talk_ends_at_the_endpoint():
    state, done = live(State.IDLE, Event.DOWN, Event.TAP, Event.ENDPOINT)
    equal(state, State.THINKING)
    equal(
        done,
        [
            Action.SILENCE,
            Action.BEGIN,
            Action.ANNOUNCE_TAP,
            Action.CHIRP_LISTENING,
            Action.CLOSE,
            Action.CHIRP_HEARD,
        ],
    )


def test_tap_to_talk_ends_at_a_second_squeeze():
    state, done = live(State.IDLE, Event.DOWN, Event.TAP, Event.DOWN, Event.TAP)
    equal((state, done[-2:]), (State.THINKING, [Action.END, Action.CHIRP_HEARD]))


def test_barge_in_falls_silent_first():
    for state in (State.THINKING, State.SPEAKING):
        equal(
            live(state, Event.DOWN),
            (State.LISTENING, [Action.SILENCE, Action.CANCEL, Action.BEGIN]),
        )


def test_a_squeeze_always_does_something():
    for state in values(State):
        _, actions = step(state, Event.DOWN)
        assert actions, state


def test_every_state_of_a_conversation_can_be_late():
    for state in IN_CONVERSATION:
        after, actions = step(state, Event.LATE)
        equal(after, State.IDLE)
        assert Action.CHIRP_SORRY in actions and Action.CANCEL in actions


def test_losing_the_link_is_said_only_in_a_conversation():
    equal(step(State.IDLE, Event.LOST), (State.OFFLINE, ()))
    for state in IN_CONVERSATION:
        after, actions = step(state, Event.LOST)
        equal(after, State.OFFLINE)
        assert Action.SAY_AWAY in actions and Action.CLOSE in actions


def test_a_turn_that_the_relay_gives_up_is_not_lost_without_a_sound():
    for state in IN_CONVERSATION:
        after, actions = step(state, Event.STOPPED)
        equal((after, actions[-1]), (State.IDLE, Action.CHIRP_SORRY))


def test_welcome_leads_back_from_everywhere_without_a_conversation():
    for state in (State.SETUP, State.OFFLINE):
        equal(step(state, Event.WELCOME), (State.IDLE, ()))


def test_no_recording_outside_listening():
    """Whatever happens in whatever order, recording stops when LISTENING is left."""
    for (state, event), (after, actions) in PAIRS.items():
        if state == State.LISTENING and after != State.LISTENING:
            assert Action.CLOSE in actions or Action.END in actions, (state, event)
        if after == State.LISTENING and state != State.LISTENING:
            equal(actions[-1], Action.BEGIN, (state, event))


def test_the_table_knows_only_its_names():
    states, events, actions = values(State), values(Event), values(Action)
    for (state, event), (after, done) in PAIRS.items():
        assert state in states and event in events and after in states, (state, event)
        for action in done:
            assert action in actions, action


def test_what_is_not_in_the_table_changes_nothing():
    equal(step(State.IDLE, Event.PLAYED), (State.IDLE, ()))
    equal(step(State.OFFLINE, Event.UP), (State.OFFLINE, ()))


def test_presses_are_events():
    for press in values(Press):
        assert press in values(Event), press
