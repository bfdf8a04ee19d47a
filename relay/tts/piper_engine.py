"""The natural voice: Piper. Asked for by name, because its package is GPL-3.0."""

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relay.audio import speech_pcm
from relay.config import TtsSettings
from relay.errors import EngineError, ModelMissing
from relay.models import find
from relay.tts import USUAL, Style
from relay.tts.text import speakable
from relay.urgency import Urgency
from relay.worker import Cancelled, Worker

if TYPE_CHECKING:
    from piper import PiperVoice

ENGINE = "tts.piper"
LOAD_TIMEOUT_S = 60.0
USUAL_WORDS_PER_MINUTE = 160
"""Speed of Piper's medium English voices at length scale 1."""


class PiperEngine:
    """Speaks with a Piper voice."""

    def __init__(self, settings: TtsSettings, models_dir: Path) -> None:
        self._settings = settings
        self._worker = Worker(
            ENGINE,
            lambda: _load(models_dir, settings.piper_model),
            max_waiting=settings.max_waiting,
        )

    @classmethod
    async def load(cls, settings: TtsSettings, models_dir: Path) -> "PiperEngine":
        """Return the engine with its voice loaded; raises ModelMissing, EngineError."""
        engine = cls(settings, models_dir)
        try:
            await engine._worker.start(timeout_s=LOAD_TIMEOUT_S)
        except EngineError:
            await engine.close()
            raise
        return engine

    @property
    def name(self) -> str:
        """Engine and voice, as in "piper piper-joe"."""
        return f"piper {self._settings.piper_model}"

    async def speak(
        self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE, style: Style = USUAL
    ) -> bytes:
        """Return one sentence as sound; raises EngineError. Empty for a text without words."""
        sentence = speakable(text, engine=ENGINE)
        if not sentence:
            return b""

        pace = style.words_per_minute or self._settings.words_per_minute

        def run(voice: "PiperVoice", cancelled: Cancelled) -> bytes:
            return _speak(voice, sentence, pace, cancelled)

        return await self._worker.call(run, timeout_s=self._settings.timeout_s, urgency=urgency)

    async def close(self) -> None:
        """Free the voice and stop the thread."""
        await self._worker.close()


def _load(models_dir: Path, name: str) -> "PiperVoice":
    if importlib.util.find_spec("piper") is None:
        raise ModelMissing(
            ENGINE, "Piper is not installed; `pip install piper-tts` brings it (GPL-3.0)"
        )
    folder = find(models_dir, name, engine=ENGINE)
    voices = sorted(folder.glob("*.onnx"))
    if not voices:
        raise ModelMissing(ENGINE, f'the model "{name}" holds no Piper voice (.onnx)')
    # At DEBUG level Piper logs what it says.
    logging.getLogger("piper").setLevel(logging.WARNING)
    from piper import PiperVoice

    return PiperVoice.load(voices[0])


def _speak(
    voice: "PiperVoice", sentence: str, words_per_minute: int, cancelled: Cancelled
) -> bytes:
    from piper import SynthesisConfig

    scale = USUAL_WORDS_PER_MINUTE / words_per_minute
    chunks = []
    for chunk in voice.synthesize(sentence, syn_config=SynthesisConfig(length_scale=scale)):
        if cancelled.is_set():
            return b""
        chunks.append(chunk.audio_int16_array)
    if not chunks:
        raise EngineError(ENGINE, "Piper made no sound")
    return speech_pcm(np.concatenate(chunks), voice.config.sample_rate)
