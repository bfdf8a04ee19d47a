"""Whisper on CTranslate2: recognises at every pause, so that it has finished when the child has.

faster-whisper as it comes always encodes 30 s of sound, which costs most of its time. Here the
encoder sees the utterance and some silence; should the model fall into repeating itself, as it may
on a short window, it gets the full one.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relay import voice_activity
from relay.audio import SAMPLE_RATE, Samples
from relay.config import SttSettings
from relay.errors import EngineError
from relay.models import find
from relay.stt import Recognition, Transcript
from relay.stt.repetition import loop_start
from relay.stt.utterance import Utterances
from relay.stt.voice import Span, VoicedSound
from relay.worker import Cancelled

if TYPE_CHECKING:
    import ctranslate2
    from faster_whisper.feature_extractor import FeatureExtractor
    from faster_whisper.tokenizer import Tokenizer

ENGINE = "stt.whisper"
LOAD_TIMEOUT_S = 120.0

FRAMES_PER_S = 100
FULL_FRAMES = 3000
"""What the model was trained on: 30 s."""

MIN_FRAMES = 700
"""Of the 664 words of 120 spoken questions, 11.7 % were wrong with 700 frames and 23.8 % in noise
15 dB below the voice; with 600 11.9 % and 24.8 %, with 800 11.0 % and 24.5 %. 100 frames less save
12 ms of about 120."""

BEAM = 2
"""Hypotheses followed at once. Words wrong of the 462 in 84 questions, quiet and with noise 20 and
10 dB below the voice: 10.8, 14.7 and 30.3 % with 1; 10.6, 11.9 and 26.6 % with 2, for 5 ms of
about 190; with 3 no better when quiet. faster-whisper as it comes (5, and 30 s) had 10.8 and
13.2 %, for 1100 ms. A prompt in the words of children helped in loud noise only."""

PADDING_FRAMES = 100
LONGEST_WINDOW_S = 28.0

LONGEST_AHEAD_S = 10.0
"""Longest sound that is recognised before the end: what takes long only holds up other children."""

TOKENS_PER_S = 8
"""Well above the fastest speech (about 5 a second); a loop is cut off here."""

SPARE_TOKENS = 16

# Below both, what sounded like a voice was none: invented words had an average log-probability
# under -1.3 and a no-speech probability above 0.6; real questions were above -0.7 and under 0.2.
NO_SPEECH_PROBABILITY = 0.5
NO_SPEECH_LOG_PROBABILITY = -1.0


@dataclass(frozen=True)
class WhisperModel:
    """A loaded model with what belongs to it."""

    whisper: "ctranslate2.models.Whisper"
    tokenizer: "Tokenizer"
    features: "FeatureExtractor"


@dataclass(frozen=True)
class Heard:
    """What was said in a span, and the average log-probability of its tokens."""

    text: str
    log_probability: float


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
            one = self._heard.get(span) or recognise(model, self._sound.samples(span), cancelled)
            if one is None:
                return Transcript("", 0.0)
            heard[span] = one
        self._heard = heard
        said = [each for each in heard.values() if each.text]
        if not said:
            return Transcript("", 0.0)
        confidence = math.exp(min(each.log_probability for each in said))
        return Transcript(" ".join(each.text for each in said), confidence)

    def _new_s(self) -> float:
        """Return how many seconds of sound are yet to be recognised."""
        new = [end - start for start, end in self._spans() if (start, end) not in self._heard]
        return sum(new) / SAMPLE_RATE

    def _spans(self) -> list[Span]:
        return self._sound.spans(LONGEST_WINDOW_S)


def recognise(model: WhisperModel, samples: Samples, cancelled: Cancelled) -> Heard | None:
    """Return what is said in at most 30 s of sound; None if `cancelled` was set meanwhile."""
    frames = max(MIN_FRAMES, len(samples) * FRAMES_PER_S // SAMPLE_RATE + PADDING_FRAMES)
    result = _generate(model, samples, min(frames, FULL_FRAMES), cancelled)
    if result is not None and loop_start(result.sequences_ids[0]) is not None:
        result = _generate(model, samples, FULL_FRAMES, cancelled)
    if result is None:
        return None
    tokens = result.sequences_ids[0]
    # CTranslate2 divides the score by the number of tokens, Whisper counts the end token too.
    log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
    if (
        result.no_speech_prob > NO_SPEECH_PROBABILITY
        and log_probability < NO_SPEECH_LOG_PROBABILITY
    ):
        return Heard("", 0.0)
    words = [each for each in tokens if each < model.tokenizer.timestamp_begin]
    text = model.tokenizer.decode(words[: loop_start(words)]).strip()
    return Heard(text, log_probability) if any(map(str.isalnum, text)) else Heard("", 0.0)


def _generate(
    model: WhisperModel, samples: Samples, frames: int, cancelled: Cancelled
) -> "ctranslate2.models.WhisperGenerationResult | None":
    """Return the model's answer to at most 30 s of sound, encoded as `frames` of 10 ms.

    The prompt asks for timestamps, although nobody needs them: they make the model say where the
    sentence ends, and end there. Without them it said 14 of 48 questions twice when it was given
    400 frames, and 3 with 600; with them none, as of 240 with 500 and more.
    """
    import ctranslate2

    sound = samples.astype(np.float32) / 32768
    hop = model.features.hop_length
    padding = max(0, frames * hop - len(sound))
    features = model.features(sound, padding=padding)[None, :, :frames]
    if cancelled.is_set():
        return None
    encoded = model.whisper.encode(
        ctranslate2.StorageView.from_array(np.ascontiguousarray(features, dtype=np.float32))
    )
    if cancelled.is_set():
        return None
    prompt = model.tokenizer.sot_sequence
    seconds = len(samples) / SAMPLE_RATE
    return model.whisper.generate(
        encoded,
        [prompt],
        beam_size=BEAM,
        max_length=len(prompt) + SPARE_TOKENS + int(seconds * TOKENS_PER_S),
        return_scores=True,
        return_no_speech_prob=True,
    )[0]


def _load(models_dir: Path, settings: SttSettings) -> WhisperModel:
    folder = find(models_dir, settings.whisper_model, engine=ENGINE)
    try:
        import ctranslate2
        import tokenizers
        from faster_whisper.feature_extractor import FeatureExtractor
        from faster_whisper.tokenizer import Tokenizer
    except ImportError:
        raise EngineError(
            ENGINE, "Whisper is not installed; `pip install faster-whisper` brings it"
        ) from None
    whisper = ctranslate2.models.Whisper(
        str(folder), device="cpu", compute_type="int8", intra_threads=settings.threads
    )
    if not whisper.is_multilingual and settings.language != "en":
        raise EngineError(
            ENGINE, f'"{settings.whisper_model}" knows English only, not "{settings.language}"'
        )
    try:
        tokenizer = Tokenizer(
            tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")),
            whisper.is_multilingual,
            task="transcribe",
            language=settings.language,
        )
    except ValueError:
        raise EngineError(ENGINE, f'does not know the language "{settings.language}"') from None
    voice_activity.load()
    model = WhisperModel(whisper, tokenizer, FeatureExtractor(feature_size=whisper.n_mels))
    # The first run allocates; better now than while a child waits.
    _generate(model, np.zeros(SAMPLE_RATE, dtype=np.int16), MIN_FRAMES, Cancelled())
    return model
