"""Whisper as an engine: recognises at every pause, so that it has finished when the child has."""

import math
from pathlib import Path

import numpy as np

from relay import voice_activity
from relay.audio import SAMPLE_RATE
from relay.config import SttSettings
from relay.errors import EngineError
from relay.stt import Recognition, Transcript
from relay.stt.utterance import Utterances
from relay.stt.voice import Span, VoicedSound
from relay.stt.whisper_model import ENGINE, SENTENCE_ENDS, Heard, WhisperModel, load, recognise
from relay.worker import Cancelled

LOAD_TIMEOUT_S = 120.0

LONGEST_WINDOW_S = 28.0

LONGEST_AHEAD_S = 10.0
"""Longest sound that is recognised before the end: what takes long only holds up other children."""

ENOUGH_S = 0.1
"""Voice that may have come since a whole sentence was recognised, for it to be taken as it is. Of
the 231 words in 42 questions 27 were wrong with all of the sound, and 24 without the last 96 ms;
with noise 20 dB below the voice 25 and 25, at 10 dB 64 and 58; without 128 ms at 20 dB 29."""

GUESS_S = 0.26
"""Voice that may have come since a guess was recognised, to be confirmed."""


class WhisperEngine:
    """Recognises speech with Whisper, in one fixed language: detecting it would cost 0.7 s."""

    def __init__(self, settings: SttSettings, models_dir: Path) -> None:
        self._model_name = settings.whisper_model
        self._utterances = Utterances(
            ENGINE,
            lambda: _load(models_dir, settings),
            most=settings.max_waiting,
            timeout_s=settings.timeout_s,
            ahead=settings.incremental,
        )

    @classmethod
    async def load(cls, settings: SttSettings, models_dir: Path) -> "WhisperEngine":
        """Return the engine with its model loaded; raises ModelMissing, EngineError."""
        engine = cls(settings, models_dir)
        try:
            await engine._utterances.worker.start(timeout_s=LOAD_TIMEOUT_S)
        except EngineError:
            await engine.close()
            raise
        return engine

    @property
    def name(self) -> str:
        """Engine and model, as in "whisper whisper-base"."""
        return f"whisper {self._model_name}"

    def start(self) -> Recognition:
        """Begin an utterance; raises EngineBusy when too many are under way."""
        return self._utterances.start(_WhisperDecoder())

    async def close(self) -> None:
        """Free the model and stop the thread."""
        await self._utterances.worker.close()


class _WhisperDecoder:
    """One utterance: looks for a voice as the sound comes, recognises in pauses and at the end."""

    def __init__(self) -> None:
        self._sound = VoicedSound()
        self._heard: dict[Span, Heard] = {}

    def feed(self, _model: WhisperModel, pcm: bytes) -> None:
        self._sound.add(pcm)

    @property
    def ripe(self) -> bool:
        return self._sound.paused and 0 < self._new_s() <= LONGEST_AHEAD_S

    def so_far(self, model: WhisperModel, cancelled: Cancelled) -> Transcript:
        if self._new_s() > LONGEST_AHEAD_S:
            return Transcript("", 0.0)
        return self.finish(model, cancelled)

    def finish(self, model: WhisperModel, cancelled: Cancelled) -> Transcript:
        heard: dict[Span, Heard] = {}
        for span in self._spans():
            # What was recognised before is not recognised again: in the end only silence came.
            if (known := self._known(span)) is not None:
                heard[known] = self._heard[known]
                continue
            guess = self._before(span, GUESS_S)
            samples = self._sound.samples(span)
            one = recognise(model, samples, cancelled, guess and self._heard[guess])
            if one is None:
                return Transcript("", 0.0)
            heard[span] = one
        self._heard = heard
        said = [each for each in heard.values() if each.text]
        if not said:
            return Transcript("", 0.0)
        confidence = math.exp(min(each.log_probability for each in said))
        return Transcript(" ".join(each.text for each in said), confidence)

    def _known(self, span: Span) -> Span | None:
        """Return the span that was recognised and holds what `span` does."""
        if span in self._heard:
            return span
        before = self._before(span, ENOUGH_S)
        return before if before and self._heard[before].text.endswith(SENTENCE_ENDS) else None

    def _before(self, span: Span, most_s: float) -> Span | None:
        """Return the span that was recognised and ends at most so much earlier."""
        start, end = span
        for began, ended in self._heard:
            if began == start and end - most_s * SAMPLE_RATE <= ended < end:
                return began, ended
        return None

    def _new_s(self) -> float:
        """Return how many seconds of sound are yet to be recognised."""
        new = [end - start for start, end in self._spans() if not self._known((start, end))]
        return sum(new) / SAMPLE_RATE

    def _spans(self) -> list[Span]:
        return self._sound.spans(LONGEST_WINDOW_S)


def _load(models_dir: Path, settings: SttSettings) -> WhisperModel:
    model = load(models_dir, settings)
    voice_activity.load()
    # The first run allocates; better now than while a child waits.
    recognise(model, np.zeros(SAMPLE_RATE, dtype=np.int16), Cancelled())
    return model
