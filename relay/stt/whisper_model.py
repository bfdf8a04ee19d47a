"""The Whisper model on CTranslate2: what is said in a piece of sound.

faster-whisper as it comes always encodes 30 s of sound, which costs most of its time. Here the
encoder sees the utterance and some silence; should the model fall into repeating itself, as it may
on a short window, it gets the full one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relay.audio import SAMPLE_RATE, Samples
from relay.config import SttSettings
from relay.errors import EngineError
from relay.models import find
from relay.stt.repetition import loop_start
from relay.worker import Cancelled

if TYPE_CHECKING:
    import ctranslate2
    from faster_whisper.feature_extractor import FeatureExtractor
    from faster_whisper.tokenizer import Tokenizer

ENGINE = "stt.whisper"

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
TOKENS_PER_S = 8
"""Well above the fastest speech (about 5 a second); a loop is cut off here."""

SPARE_TOKENS = 16

SURE = 0.2
"""Probability that every token of a guess must have. Of guesses 160 and 256 ms older than the end
of 84 questions 94 of the 105 with the right words were confirmed, and 3 of the 63 others (one was
better than what came of the whole); with 0.1 103 and 11, with 0.3 84 and 1."""

SENTENCE_ENDS = (".", "?", "!")
"""What a guess must end with: this mark is a token too, and has little probability where more words
came. Without it nothing tells that words are missing."""

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
    """What was said in a span, the average log-probability of its tokens, and the words' tokens."""

    text: str
    log_probability: float
    tokens: tuple[int, ...] = ()


def load(models_dir: Path, settings: SttSettings) -> WhisperModel:
    """Return the model that `settings` name; raises ModelMissing, EngineError."""
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
    return WhisperModel(whisper, tokenizer, FeatureExtractor(feature_size=whisper.n_mels))


def recognise(
    model: WhisperModel, samples: Samples, cancelled: Cancelled, guess: Heard | None = None
) -> Heard | None:
    """Return what is said in at most 30 s of sound; None if `cancelled` was set meanwhile.

    `guess` is what was heard in all of it but the end: to see that it still holds takes one step of
    the decoder and not one for each token, 15 ms and not 60 to 90.
    """
    frames = max(MIN_FRAMES, len(samples) * FRAMES_PER_S // SAMPLE_RATE + PADDING_FRAMES)
    encoded = _encode(model, samples, min(frames, FULL_FRAMES))
    if cancelled.is_set():
        return None
    if guess and (confirmed := _confirmed(model, encoded, guess)):
        return confirmed
    result = _generate(model, encoded, len(samples))
    if loop_start(result.sequences_ids[0]) is not None and not cancelled.is_set():
        result = _generate(model, _encode(model, samples, FULL_FRAMES), len(samples))
    if cancelled.is_set():
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
    words = words[: loop_start(words)]
    text = model.tokenizer.decode(words).strip()
    if not any(map(str.isalnum, text)):
        return Heard("", 0.0)
    return Heard(text, log_probability, tuple(words))


def _encode(model: WhisperModel, samples: Samples, frames: int) -> "ctranslate2.StorageView":
    """Return what the encoder makes of sound and the silence after it, `frames` of 10 ms."""
    import ctranslate2

    sound = samples.astype(np.float32) / 32768
    padding = max(0, frames * model.features.hop_length - len(sound))
    features = model.features(sound, padding=padding)[None, :, :frames]
    return model.whisper.encode(
        ctranslate2.StorageView.from_array(np.ascontiguousarray(features, dtype=np.float32))
    )


def _confirmed(
    model: WhisperModel, encoded: "ctranslate2.StorageView", guess: Heard
) -> Heard | None:
    """Return `guess` with its probability now; None if one of its tokens is not likely enough."""
    if not guess.text.endswith(SENTENCE_ENDS):
        return None
    prompt, tokens = model.tokenizer.sot_sequence, list(guess.tokens)
    # How the tokens lie in the sound is not wanted: that is asked for one frame only.
    (aligned,) = model.whisper.align(encoded, prompt, [tokens], 2, median_filter_width=1)
    probabilities = aligned.text_token_probs
    if min(probabilities) < SURE:
        return None
    return Heard(guess.text, float(np.mean(np.log(probabilities))), guess.tokens)


def _generate(
    model: WhisperModel, encoded: "ctranslate2.StorageView", samples: int
) -> "ctranslate2.models.WhisperGenerationResult":
    """Return the model's answer to at most 30 s of sound of so many samples.

    The prompt asks for timestamps, although nobody needs them: they make the model say where the
    sentence ends, and end there. Without them it said 14 of 48 questions twice when it was given
    400 frames, and 3 with 600; with them none, as of 240 with 500 and more.
    """
    prompt = model.tokenizer.sot_sequence
    return model.whisper.generate(
        encoded,
        [prompt],
        beam_size=BEAM,
        max_length=len(prompt) + SPARE_TOKENS + int(samples / SAMPLE_RATE * TOKENS_PER_S),
        return_scores=True,
        return_no_speech_prob=True,
    )[0]
