"""The toy's state machine: what it is doing, what may happen, what it does about it. Pure.

`step(state, event)` returns the next state and the actions on the way, in order. A pair that is not
in the table changes nothing: a late message or a paw that is let go after everything is over is no
error. A turn: IDLE -> LISTENING -> THINKING -> SPEAKING -> IDLE.
"""


class State:
    """What the toy is doing."""

    SETUP = "setup"  # a grown-up is needed
    OFFLINE = "offline"  # no link to the relay
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Event:
    """What may happen to it. The relay's events are those of the current turn only.

    Numbers, here and in Action, for nobody outside needs their names, and a toy has to keep those.
    """

    WELCOME = 1  # the relay said welcome
    LOST = 2  # the link broke
    REFUSED = 3  # the relay wants a grown-up: token or age
    DOWN = 4  # the paw: see device.button.Press
    TAP = 5
    HOLD = 6
    UP = 7
    ENDPOINT = 8  # the relay has heard enough
    SPEECH_START = 9
    STOPPED = 10  # the relay ended the turn without (more) speech
    PLAYED = 11  # the last sample has left the speaker
    LATE = 12  # nothing happened for too long


class Action:
    """What it does about it."""

    BEGIN = 1  # a new turn: record from now on
    ANNOUNCE_HOLD = 2  # tell the relay, and how the child talks
    ANNOUNCE_TAP = 3
    END = 4  # send what was recorded, then say that this is all
    CLOSE = 5  # stop recording at once; the relay has enough
    CANCEL = 6  # tell the relay to drop the turn
    PLAY = 7  # a reply begins
    SILENCE = 8  # drop what is in the speaker
    CHIRP_LISTENING = 9
    CHIRP_HEARD = 10
    CHIRP_SORRY = 11
    SAY_AWAY = 12  # that home cannot be reached
    SAY_GROWN_UP = 13  # that a grown-up is needed


# SILENCE: what the toy says by itself would be heard, and so nothing recorded.
_TALK = (State.LISTENING, (Action.SILENCE, Action.BEGIN))
_INTERRUPT = (State.LISTENING, (Action.SILENCE, Action.CANCEL, Action.BEGIN))
_HEARD = (State.THINKING, (Action.END, Action.CHIRP_HEARD))
_CUT_OFF = (State.OFFLINE, (Action.CLOSE, Action.SILENCE, Action.SAY_AWAY))
_LOCKED_OUT = (State.SETUP, (Action.CLOSE, Action.SILENCE, Action.SAY_GROWN_UP))
_GIVE_UP = (State.IDLE, (Action.CLOSE, Action.SILENCE, Action.CANCEL, Action.CHIRP_SORRY))

# By state and then by event: a pair of both as a key would take 0.5 KB more of the heap.
TABLE = {
    State.SETUP: {
        Event.WELCOME: (State.IDLE, ()),
        Event.LOST: (State.SETUP, ()),
        Event.DOWN: (State.SETUP, (Action.SAY_GROWN_UP,)),
    },
    State.OFFLINE: {
        Event.WELCOME: (State.IDLE, ()),
        Event.REFUSED: (State.SETUP, ()),
        Event.DOWN: (State.OFFLINE, (Action.SAY_AWAY,)),
    },
    State.IDLE: {
        Event.LOST: (State.OFFLINE, ()),  # no sound: it may be the middle of the night
        Event.REFUSED: (State.SETUP, ()),
        Event.DOWN: _TALK,
    },
    State.LISTENING: {
        Event.TAP: (
            State.LISTENING,
            (Action.ANNOUNCE_TAP, Action.CHIRP_LISTENING),
        ),
        Event.HOLD: (State.LISTENING, (Action.ANNOUNCE_HOLD,)),
        Event.UP: _HEARD,
        Event.DOWN: _HEARD,  # hands-free, and squeezed again: "that is all"
        Event.ENDPOINT: (State.THINKING, (Action.CLOSE, Action.CHIRP_HEARD)),
        Event.SPEECH_START: (State.SPEAKING, (Action.CLOSE, Action.PLAY)),
        Event.STOPPED: (State.IDLE, (Action.CLOSE, Action.CHIRP_SORRY)),
        Event.LATE: _GIVE_UP,
        Event.LOST: _CUT_OFF,
        Event.REFUSED: _LOCKED_OUT,
    },
    State.THINKING: {
        # CLOSE here, too: what the relay did not wait for must not be played as the reply.
        Event.SPEECH_START: (State.SPEAKING, (Action.CLOSE, Action.PLAY)),
        Event.STOPPED: (State.IDLE, (Action.CHIRP_SORRY,)),
        Event.DOWN: _INTERRUPT,
        Event.LATE: _GIVE_UP,
        Event.LOST: _CUT_OFF,
        Event.REFUSED: _LOCKED_OUT,
    },
    State.SPEAKING: {
        Event.PLAYED: (State.IDLE, ()),
        # In the middle of a word, and not by the child: that one's turn is over already.
        Event.STOPPED: (State.IDLE, (Action.SILENCE, Action.CHIRP_SORRY)),
        Event.DOWN: _INTERRUPT,
        Event.LATE: _GIVE_UP,
        Event.LOST: _CUT_OFF,
        Event.REFUSED: _LOCKED_OUT,
    },
}

IN_CONVERSATION = (State.LISTENING, State.THINKING, State.SPEAKING)


def step(state, event):
    """Return (next state, actions) for `event` in `state`; (state, ()) where nothing is due."""
    return TABLE[state].get(event, (state, ()))
