"""The default voice: espeak-ng through pyttsx3. About 10 ms a sentence, no weights."""

import atexit
import contextlib
import ctypes
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import espeakng_loader
import numpy as np

from relay.audio import Samples, speech_pcm
from relay.config import TtsSettings
from relay.errors import EngineError
from relay.tts.text import speakable
from relay.urgency import Urgency
from relay.worker import Cancelled, Worker

if TYPE_CHECKING:
    from pyttsx3.engine import Engine

ENGINE = "tts.pyttsx3"
RATE = 22_050  # Hz, written into every file by pyttsx3's espeak driver
TRIES = 3
SYSTEM_LIBRARY = "libespeak-ng.so.1"
# Now and then pyttsx3 is told that a sentence ended before any of it was heard, and saves an empty
# file (3 of 1500 sentences, measured): the next try speaks.
ATTEMPTS = 3
MEMORY_DIR = Path("/dev/shm")  # noqa: S108 - only as the parent of a private directory

# espeak-ng is one global state in the process: whoever speaks holds this lock.
_espeak = threading.Lock()
_engine: Optional["Engine"] = None


class Pyttsx3Engine:
    """Speaks with espeak-ng; one thread owns it."""

    def __init__(self, settings: TtsSettings) -> None:
        self._settings = settings
        self._worker = Worker(ENGINE, _load, max_waiting=settings.max_waiting)

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

    async def speak(self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE) -> bytes:
        """Return one sentence as sound; raises EngineError. Empty for a text without words."""
        sentence = speakable(text, engine=ENGINE)
        if not sentence:
            return b""

        def run(engine: "Engine", _cancelled: Cancelled) -> bytes:
            for _ in range(ATTEMPTS):
                if sound := _speak(engine, sentence, self._settings):
                    return sound
            return b""

        return await self._worker.call(run, timeout_s=self._settings.timeout_s, urgency=urgency)

    async def close(self) -> None:
        """Stop the thread."""
        await self._worker.close()


def _load() -> "Engine":
    """Return the process's one espeak-ng engine."""
    global _engine  # noqa: PLW0603 - see above: the library cannot be loaded twice
    with _espeak:
        if _engine is None:
            _load_library()
            import pyttsx3
            from pyttsx3.drivers import espeak

            # pyttsx3 2.99 prints a line for every file it saves.
            vars(espeak)["print"] = lambda *_args, **_kwargs: None
            _engine = pyttsx3.init("espeak")
            # Left to the end of the interpreter, it finds its own modules gone and says so.
            atexit.register(_forget)
        return _engine


def _forget() -> None:
    global _engine  # noqa: PLW0603
    _engine = None


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


def _speak(engine: "Engine", sentence: str, settings: TtsSettings) -> bytes:
    if not _espeak.acquire(timeout=settings.timeout_s):
        raise EngineError(ENGINE, "espeak-ng is stuck; restart the relay")
    try:
        for _ in range(TRIES):
            # A stop that pyttsx3 2.99 asks for as one utterance ends can arrive late and silence
            # the next one: seen once in 100 sentences on a busy machine.
            vars(engine.proxy._driver)["_stopping"] = False
            if (samples := _synthesise(engine, sentence, settings)).size:
                return speech_pcm(samples, RATE)
    finally:
        _espeak.release()
    raise EngineError(ENGINE, "espeak-ng made no sound")


def _set_rate(words_per_minute: int) -> None:
    """Set the speed, and see that it is set.

    espeak-ng keeps the change in a queue, and a late stop (see `_speak`) empties that queue.
    """
    from pyttsx3.drivers import _espeak

    for _ in range(TRIES):
        _espeak.SetParameter(_espeak.RATE, words_per_minute, 0)
        _espeak.Synchronize()
        # pyttsx3's own GetParameter takes one argument of the two.
        if _espeak.dll.espeak_GetParameter(_espeak.RATE, 1) == words_per_minute:
            return
    raise EngineError(ENGINE, "espeak-ng does not take the speed")


def _synthesise(engine: "Engine", sentence: str, settings: TtsSettings) -> Samples:
    """Return the sound of a sentence, empty if espeak-ng was interrupted."""
    errors: list[BaseException] = []
    # Where there is memory to write to, no reply ever touches a disk.
    parent = MEMORY_DIR if os.access(MEMORY_DIR, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bramble-", dir=parent) as folder:
        path = Path(folder) / "sentence.wav"
        token = engine.connect("error", lambda exception, **_: errors.append(exception))
        # A file that cannot be written leaves pyttsx3's loop waiting for ever.
        guard = threading.Timer(settings.timeout_s * 0.9, engine.endLoop)
        guard.start()
        try:
            engine.setProperty("voice", settings.voice)
            _set_rate(settings.words_per_minute)
            engine.save_to_file(sentence, str(path))
            engine.runAndWait()
        finally:
            guard.cancel()
            engine.disconnect(token)
        if errors:
            raise EngineError(ENGINE, f'espeak-ng refuses the voice "{settings.voice}"')
        data = path.read_bytes() if path.exists() else b""
    # The sound follows the header that Python's wave module writes.
    return np.frombuffer(data[44:], dtype="<i2").astype(np.int16)
