"""Vosk: recognises while the child speaks. One model, one recogniser for each utterance."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relay.audio import SAMPLE_RATE
from relay.config import SttSettings
from relay.errors import EngineError
from relay.models import find
from relay.stt import Recognition, Transcript
from relay.stt.utterance import Utterances
from relay.worker import Cancelled

if TYPE_CHECKING:
    from vosk import KaldiRecognizer, Model

ENGINE = "stt.vosk"
LOAD_TIMEOUT_S = 120.0
UNKNOWN = "[unk]"
"""What Vosk calls a word outside its grammar, in models that have it."""

HYPOTHESES = 4
"""The best one and three further ones for safety to look at."""


class VoskEngine:
    """Recognises speech with Vosk. `grammar`, if given, holds the only phrases it may hear."""

    def __init__(
        self, settings: SttSettings, models_dir: Path, *, grammar: Sequence[str] | None = None
    ) -> None:
        self._model_name = settings.vosk_model
        self._grammar = grammar
        self._utterances = Utterances(
            ENGINE,
            lambda: _load(models_dir, settings.vosk_model),
            most=settings.max_waiting,
            timeout_s=settings.timeout_s,
        )

    @classmethod
    async def load(
        cls, settings: SttSettings, models_dir: Path, *, grammar: Sequence[str] | None = None
    ) -> "VoskEngine":
        """Return the engine with its model loaded; raises ModelMissing, EngineError."""
        engine = cls(settings, models_dir, grammar=grammar)
        try:
            await engine._utterances.worker.start(timeout_s=LOAD_TIMEOUT_S)
        except EngineError:
            await engine.close()
            raise
        return engine

    @property
    def name(self) -> str:
        """Engine and model, as in "vosk vosk-small-en"."""
        return f"vosk {self._model_name}"

    def start(self) -> Recognition:
        """Begin an utterance; raises EngineBusy when too many are under way."""
        return self._utterances.start(_VoskDecoder(self._grammar))

    async def close(self) -> None:
        """Free the model and stop the thread."""
        await self._utterances.worker.close()


class _VoskDecoder:
    """One utterance. Kaldi's own endpoints cut it into parts; the transcript joins them."""

    def __init__(self, grammar: Sequence[str] | None) -> None:
        self._grammar = grammar
        self._recogniser: KaldiRecognizer | None = None
        self._parts: list[list[tuple[str, float]]] = []

    def feed(self, model: "Model", pcm: bytes) -> None:
        if self._recogniser is None:
            self._recogniser = _recogniser(model, self._grammar)
        if self._recogniser.AcceptWaveform(pcm):
            self._keep(self._recogniser.Result())

    @property
    def ripe(self) -> bool:
        return False  # it recognises as the sound comes

    def so_far(self, _model: "Model", _cancelled: Cancelled) -> Transcript:
        done = join_parts(self._parts)
        if self._recogniser is None:
            return done
        begun = _without_unknown(json.loads(self._recogniser.PartialResult())["partial"])
        if not begun:
            return done
        # How sure it is of what it has only begun, Vosk does not tell.
        sure = done.confidence if done.text else 1.0
        return Transcript(f"{done.text} {begun}".strip(), sure)

    def finish(self, _model: "Model", _cancelled: Cancelled) -> Transcript:
        if self._recogniser is not None:
            self._keep(self._recogniser.FinalResult())
            self._recogniser = None
        return join_parts(self._parts)

    def _keep(self, result: str) -> None:
        hypotheses = json.loads(result).get("alternatives", [])
        part = [(str(each["text"]), float(each["confidence"])) for each in hypotheses]
        if any(text for text, _score in part):
            self._parts.append(part)


def _recogniser(model: "Model", grammar: Sequence[str] | None) -> "KaldiRecognizer":
    from vosk import KaldiRecognizer

    if grammar is None:
        recogniser = KaldiRecognizer(model, SAMPLE_RATE)
    else:
        known = [each for each in (*grammar, UNKNOWN) if _knows(model, each)]
        # Vosk reads words as they are, not the \u escapes of JSON.
        phrases = json.dumps(known, ensure_ascii=False)
        recogniser = KaldiRecognizer(model, SAMPLE_RATE, phrases)
    recogniser.SetMaxAlternatives(HYPOTHESES)
    return recogniser


def _knows(model: "Model", phrase: str) -> bool:
    return all(model.vosk_model_find_word(word) >= 0 for word in phrase.split())


def _load(models_dir: Path, name: str) -> "Model":
    folder = find(models_dir, name, engine=ENGINE)
    try:
        import vosk
    except ImportError:
        raise EngineError(ENGINE, "Vosk is not installed; `pip install vosk` brings it") from None
    # Kaldi's log goes to stderr and would hold what was heard.
    vosk.SetLogLevel(-1)
    return vosk.Model(str(folder))


def join_parts(parts: Sequence[Sequence[tuple[str, float]]]) -> Transcript:
    """Return the transcript of parts, each a list of (text, log-likelihood), best first.

    The confidence of a part is the share of its best text among its hypotheses, the confidence of
    the whole is that of its least certain part. Each alternative differs from the text in one part.
    """
    if not parts:
        return Transcript("", 0.0)
    best = [_without_unknown(part[0][0]) for part in parts]
    text = " ".join(filter(None, best))
    alternatives = dict.fromkeys(
        " ".join(filter(None, [*best[:at], _without_unknown(other), *best[at + 1 :]]))
        for at, part in enumerate(parts)
        for other, _score in part[1:]
    )
    confidence = min(_share_of_first([score for _text, score in part]) for part in parts)
    others = [each for each in alternatives if each and each != text]
    return Transcript(text, confidence, tuple(others[: HYPOTHESES - 1]))


def _share_of_first(scores: Sequence[float]) -> float:
    """Softmax of log-likelihoods, for the first."""
    highest = max(scores)
    return math.exp(scores[0] - highest) / sum(math.exp(each - highest) for each in scores)


def _without_unknown(text: str) -> str:
    return " ".join(word for word in text.split() if word != UNKNOWN)
