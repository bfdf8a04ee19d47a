"""The default voice: espeak-ng through pyttsx3's binding. A few ms a sentence, no weights.

pyttsx3's own engine is left out: it writes every sentence to a file, looks every 10 ms whether it
is there, and now and then loses one. Its binding of the library has what is needed.
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

import espeakng_loader
import numpy as np

from relay.audio import Samples, speech_pcm
from relay.config import TtsSettings
from relay.errors import EngineError
from relay.tts import USUAL, Style
from relay.tts.text import speakable
from relay.urgency import Urgency
from relay.worker import Cancelled, Worker

ENGINE = "tts.pyttsx3"
BUFFER_MS = 200
"""Sound that espeak-ng makes between two looks at whether anybody still wants it."""

SYSTEM_LIBRARY = "libespeak-ng.so.1"

# espeak-ng is one global state in the process: whoever speaks holds this lock.
_espeak = threading.Lock()


class Pyttsx3Engine:
    """Speaks with espeak-ng; one thread owns it."""

    def __init__(self, settings: TtsSettings) -> None:
        self._settings = settings
        self._worker = Worker(ENGINE, espeak_voice, max_waiting=settings.max_waiting)

    @classmethod
    async def load(cls, settings: TtsSettings) -> "Pyttsx3Engine":
        """Return the engine once it has spoken; raises EngineError, as for a wrong voice."""
        engine = cls(settings)
        try:
            await engine.speak("ready")
        except EngineError:
            await engine.close()
            raise
        return engine

    @property
    def name(self) -> str:
        """Engine and voice, as in "pyttsx3 en"."""
        return f"pyttsx3 {self._settings.voice}"

    async def speak(
        self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE, style: Style = USUAL
    ) -> bytes:
        """Return one sentence as sound; raises EngineError. Empty for a text without words."""
        sentence = speakable(text, engine=ENGINE)
        if not sentence:
            return b""

        def run(voice: "EspeakVoice", cancelled: Cancelled) -> bytes:
            samples = voice.speak(sentence, self._settings, cancelled.is_set, style)
            return speech_pcm(samples, voice.rate)

        return await self._worker.call(run, timeout_s=self._settings.timeout_s, urgency=urgency)

    async def close(self) -> None:
        """Stop the thread."""
        await self._worker.close()


class EspeakVoice:
    """espeak-ng, of which a process has only one: see `espeak_voice`."""

    def __init__(self) -> None:
        _load_library()
        from pyttsx3.drivers import _espeak as binding

        self._binding: Any = binding
        self._set: tuple[str, int] | None = None
        self._voices: dict[str, bool] = {}  # those that were asked for, and whether they are there
        self._pieces: list[bytes] = []
        self._unwanted: Callable[[], bool] = bool
        # The directory is that of ESPEAK_DATA_PATH, or the system's own.
        self.rate = int(binding.Initialize(binding.AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS))
        if self.rate <= 0:
            raise EngineError(ENGINE, "espeak-ng finds no voices; install the package espeak-ng")
        binding.SetSynthCallback(self._take)

    def speak(
        self,
        sentence: str,
        settings: TtsSettings,
        unwanted: Callable[[], bool],
        style: Style = USUAL,
    ) -> Samples:
        """Return a sentence as samples of `rate` Hz; cut short once `unwanted()`.

        Raises EngineError for a voice that espeak-ng does not know, and when it makes no sound.
        """
        if not _espeak.acquire(timeout=settings.timeout_s):
            raise EngineError(ENGINE, "espeak-ng is stuck; restart the relay")
        try:
            self._choose(
                self._known(style.voice, settings.voice),
                style.words_per_minute or settings.words_per_minute,
            )
            self._pieces.clear()
            self._unwanted = unwanted
            # Without the pause at its end a sentence loses the last of its sound.
            flags = self._binding.CHARS_UTF8 | self._binding.ENDPAUSE
            self._binding.Synth(sentence.encode(), flags=flags)
            sound = b"".join(self._pieces)
        finally:
            self._pieces.clear()
            _espeak.release()
        if not sound:
            raise EngineError(ENGINE, "espeak-ng made no sound")
        return np.frombuffer(sound, dtype="<i2").astype(np.int16)

    def _known(self, wanted: str | None, usual: str) -> str:
        """Return the voice that is wanted, if there is one of that name."""
        if wanted is None or wanted == usual:
            return usual
        if wanted not in self._voices:
            found = self._binding.SetVoiceByName(wanted.encode()) == self._binding.EE_OK
            self._voices[wanted] = found
            self._set = None
        return wanted if self._voices[wanted] else usual

    def _choose(self, name: str, words_per_minute: int) -> None:
        if self._set == (name, words_per_minute):
            return
        self._set = None
        if self._binding.SetVoiceByName(name.encode()) != self._binding.EE_OK:
            raise EngineError(ENGINE, f'espeak-ng refuses the voice "{name}"')
        if self._binding.SetParameter(self._binding.RATE, words_per_minute, 0):
            raise EngineError(ENGINE, "espeak-ng does not take the speed")
        self._set = (name, words_per_minute)

    def _take(self, wav: Any, samples: int, _events: object) -> int:  # noqa: ANN401 - a C pointer
        """Keep a piece of sound; espeak-ng stops when this returns 1."""
        if wav and samples > 0:
            self._pieces.append(ctypes.string_at(wav, samples * ctypes.sizeof(ctypes.c_short)))
        return 1 if self._unwanted() else 0


_voice: EspeakVoice | None = None


def espeak_voice() -> EspeakVoice:
    """Return the one voice of the process, made when it is first asked for."""
    global _voice  # noqa: PLW0603 - the library cannot be loaded twice
    with _espeak:
        if _voice is None:
            _voice = EspeakVoice()
        return _voice


def _load_library() -> None:
    """Load the system's espeak-ng or, where there is none, the one that came with the packages."""
    # Not RTLD_GLOBAL: Piper carries an espeak-ng of its own, and the two would mix and crash.
    try:
        ctypes.CDLL(SYSTEM_LIBRARY)
    except OSError:
        # Its SONAME is SYSTEM_LIBRARY: once loaded, pyttsx3 finds it by that name.
        os.environ.setdefault("ESPEAK_DATA_PATH", espeakng_loader.get_data_path())
        with contextlib.suppress(OSError):
            ctypes.CDLL(espeakng_loader.get_library_path())
