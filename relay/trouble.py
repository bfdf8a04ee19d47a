"""Why there is nothing to answer, or no answer, and which kind line says so."""

from relay.errors import EngineBusy, EngineError, EngineTimeout
from relay.lines import Situation
from relay.record import Outcome


class NoAnswer(Exception):
    """There is nothing to answer; the canned line for `situation` is spoken instead.

    `words` are better ones, to be spoken if the voice can.
    """

    def __init__(self, situation: Situation, outcome: Outcome, words: str | None = None) -> None:
        super().__init__(situation.name)
        self.situation = situation
        self.outcome = outcome
        self.words = words


def situation_of(error: EngineError, *, speaking: bool) -> Situation:
    """Return what a child is told about `error`; `speaking`: it has heard part of the answer."""
    if isinstance(error, EngineBusy):
        return Situation.BUSY
    if speaking or error.engine.startswith("tts"):
        return Situation.WORDS_LOST
    if error.engine.startswith("stt"):
        return Situation.EARS_FAILED
    return Situation.MIND_SLOW if isinstance(error, EngineTimeout) else Situation.MIND_FAILED
