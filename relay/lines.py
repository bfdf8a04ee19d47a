"""Canned lines: kind words for every way a turn can go wrong, kept as sound.

They are rendered when the relay starts, so that they can be spoken when every engine is dead.
"""

import enum
from collections.abc import Mapping

from relay.tts import TextToSpeech


class Situation(enum.Enum):
    """What went wrong; the value is what the child hears about it."""

    NOTHING_HEARD = "I didn't hear anything. Squeeze my paw and talk to me!"
    NOT_UNDERSTOOD = "I didn't catch that. Can you say it again?"
    EARS_FAILED = "My ears are not working right now. Please try again in a little while."
    MIND_FAILED = "My thinking cap is not working right now. Please tell a grown-up."
    MIND_SLOW = "My thinking is very slow today. Please ask me again in a little while."
    WORDS_LOST = "Oh dear, I lost my words. Can you ask me again?"
    CHECK_FAILED = "Hmm, I can't talk about that right now. Let's talk about something else!"
    BUSY = "I have so much to think about right now. Please ask me again in a moment."
    RESTING = "I am having a rest now. We can talk again later."
    REST = "Phew, that was a lot of talking! Let's have a little rest, and then ask me again."


class Lines:
    """The canned lines as sound: 16 kHz mono signed 16-bit little-endian."""

    def __init__(self, sounds: Mapping[Situation, bytes]) -> None:
        self._sounds = dict(sounds)

    @classmethod
    async def render(cls, voice: TextToSpeech) -> "Lines":
        """Speak every line once with `voice`; raises EngineError."""
        return cls({situation: await voice.speak(situation.value) for situation in Situation})

    def sound(self, situation: Situation) -> bytes:
        """Return the sound of the line for `situation`."""
        return self._sounds[situation]
