"""Choose and load the engines that the settings ask for."""

import asyncio
import importlib.util
import logging
from dataclasses import dataclass
from pathlib import Path

from relay.config import LlmSettings, Settings, SttSettings, TtsSettings
from relay.errors import EngineError, ModelMissing
from relay.llm import LanguageModel
from relay.models import is_installed
from relay.stt import SpeechToText
from relay.tts import TextToSpeech

# Each engine's library is imported only when it is chosen: they take seconds to import together,
# and one that is not installed must not stop the others.

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engines:
    """What a turn is made with. `close` frees all of it."""

    stt: SpeechToText
    llm: LanguageModel
    tts: TextToSpeech

    async def close(self) -> None:
        """Free the models and stop the threads."""
        await asyncio.gather(self.stt.close(), self.llm.close(), self.tts.close())


async def load_engines(settings: Settings) -> Engines:
    """Return the engines of the settings, loaded and checked; raises EngineError, ModelMissing."""
    loading = (
        load_stt(settings.stt, settings.models_dir),
        load_llm(settings.llm, settings.models_dir),
        load_tts(settings.tts, settings.models_dir),
    )
    stt, llm, tts = await asyncio.gather(*loading, return_exceptions=True)
    if (
        isinstance(stt, BaseException)
        or isinstance(llm, BaseException)
        or isinstance(tts, BaseException)
    ):
        failures = []
        for loaded in (stt, llm, tts):
            if isinstance(loaded, BaseException):
                failures.append(loaded)
            else:
                await loaded.close()
        raise _joined(failures)
    logger.info("engines loaded: %s, %s, %s", stt.name, llm.name, tts.name)
    return Engines(stt, llm, tts)


async def load_stt(settings: SttSettings, models_dir: Path) -> SpeechToText:
    """Return the engine that listens."""
    if choose_stt(settings, models_dir) == "vosk":
        from relay.stt.vosk_engine import VoskEngine

        return await VoskEngine.load(settings, models_dir)
    from relay.stt.whisper_engine import WhisperEngine

    return await WhisperEngine.load(settings, models_dir)


async def load_llm(settings: LlmSettings, models_dir: Path) -> LanguageModel:
    """Return the engine that thinks."""
    if settings.engine == "openai":
        from relay.llm.openai_engine import OpenAiEngine

        return OpenAiEngine(settings)
    from relay.llm.llama_engine import LlamaEngine

    return await LlamaEngine.load(settings, models_dir)


async def load_tts(settings: TtsSettings, models_dir: Path) -> TextToSpeech:
    """Return the engine that speaks."""
    if settings.engine == "piper":
        from relay.tts.piper_engine import PiperEngine

        return await PiperEngine.load(settings, models_dir)
    from relay.tts.pyttsx3_engine import Pyttsx3Engine

    return await Pyttsx3Engine.load(settings)


def choose_stt(settings: SttSettings, models_dir: Path) -> str:
    """Return "vosk" or "whisper": what "auto" means on this computer, said in the log."""
    if settings.engine != "auto":
        return settings.engine
    if importlib.util.find_spec("vosk") is None:
        reason = "the package vosk is not installed"
    elif not is_installed(models_dir, settings.vosk_model):
        reason = f'the model "{settings.vosk_model}" is not in {models_dir}'
    else:
        return "vosk"
    logger.info("listening with whisper: %s", reason)
    return "whisper"


def _joined(failures: list[BaseException]) -> BaseException:
    """Return one exception that says all of it: who starts the relay wants to hear it at once."""
    known = [failure for failure in failures if isinstance(failure, EngineError)]
    if len(known) != len(failures) or len(failures) == 1:
        return next(failure for failure in failures if failure not in known[1:])
    kind = ModelMissing if all(isinstance(each, ModelMissing) for each in known) else EngineError
    return kind(
        known[0].engine, "\n".join([str(known[0]).split(": ", 1)[-1], *map(str, known[1:])])
    )
