"""Spoken questions for benches and tests: many voices, pitches and speeds, the words known.

`python -m tools.bench.speech FOLDER --count N` makes them as WAV files (16 kHz, mono). What is
there already is not made again: a file's name holds a digest of its words and its speaker.
espeak-ng is one global state in a process, so callers that also run the relay call
`spoken_questions`, which makes them in a process of its own.
"""

import argparse
import contextlib
import ctypes
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relay.audio import BYTES_PER_MS, Samples, speech_pcm, write_wav

ATTEMPTS = 5  # pyttsx3 now and then loses a sentence that is to go into a file
EDGE_MS = 250  # silence before and after, as between squeezing the paw and speaking


@dataclass(frozen=True)
class Speaker:
    """A voice. `pitch` (0-99) and `words_per_minute` are espeak-ng's; Piper has only its pace."""

    name: str
    voice: str  # of espeak-ng; "" is Piper
    pitch: int = 50
    words_per_minute: int = 160


@dataclass(frozen=True)
class SpokenQuestion:
    """A question as a WAV file, with the words that were spoken."""

    text: str
    speaker: Speaker
    path: Path


SPEAKERS = (
    Speaker("joe", ""),
    Speaker("joe-slow", "", words_per_minute=125),
    Speaker("joe-fast", "", words_per_minute=190),
    Speaker("us-high", "en-us", pitch=75, words_per_minute=150),
    Speaker("us-female", "en-us+f3", pitch=60, words_per_minute=145),
    Speaker("gb-male", "en-gb+m3", pitch=45, words_per_minute=165),
    Speaker("us-child-slow", "en-us+f4", pitch=85, words_per_minute=120),
)

QUESTIONS = (
    "Why is the sky blue?",
    "What do cats like to eat?",
    "Can you tell me a story about a little bear?",
    "How do birds fly?",
    "What is the biggest animal in the world?",
    "Why do we have to sleep?",
    "What is your favorite color?",
    "How many legs does a spider have?",
    "Where does the rain come from?",
    "Can fish sleep underwater?",
    "What do dinosaurs eat?",
    "Why is the moon round?",
    "Can you tell me a joke?",
    "How old is the sun?",
    "What is inside a volcano?",
    "Why do leaves fall from the trees?",
    "What sound does a horse make?",
    "Do you like to play football?",
    "How do you make a paper boat?",
    "What is the fastest animal?",
    "Why does ice cream melt?",
    "Can you count to five?",
    "What is snow made of?",
    "Tell me something about elephants.",
    "Why do cats purr?",
    "Where do penguins live?",
    "How do airplanes stay in the air?",
    "What makes a rainbow?",
    "Why is the sea salty?",
    "How do bees make honey?",
    "What do owls do at night?",
    "Can you tell me a story about a dragon?",
    "Why do I have a belly button?",
    "How far away is the moon?",
    "What do astronauts eat?",
    "Why do dogs bark?",
    "How do trees drink water?",
    "What is the tallest mountain?",
    "Why do we have birthdays?",
    "Can a snail see me?",
    "What color is a flamingo?",
    "How do boats float?",
)

# The bar is where the child stops for PAUSE_MS to think; the recogniser hears one question.
PAUSE, PAUSE_MS = "|", 500
PAUSED_QUESTIONS = (
    "Can you tell me, | why the sky is blue?",
    "I want to know | how birds can fly.",
    "What do, | what do dinosaurs eat?",
    "Tell me a story | about a little bear.",
    "Why do we | have to sleep?",
    "My cat is gray, | and what color is your cat?",
    "How many legs | does a spider have?",
    "When it rains, | where does the water go?",
)


def spoken_questions(
    folder: Path, count: int, *, with_pauses: bool = False
) -> list[SpokenQuestion]:
    """Return `count` spoken questions in `folder`, making those that are missing.

    Speakers take turns; after all questions the next round shifts the speakers by one. With pauses,
    each question has a silence of PAUSE_MS inside. Raises RuntimeError with the maker's own words
    when speech could not be made.
    """
    wanted = _plan(folder, count, PAUSED_QUESTIONS if with_pauses else QUESTIONS)
    if not all(question.path.is_file() for question in wanted):
        command = [sys.executable, "-m", "tools.bench.speech", str(folder), "--count", str(count)]
        command += ["--pauses"] if with_pauses else []
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"spoken questions could not be made: {made.stderr.strip()[-500:]}")
    return wanted


def _plan(folder: Path, count: int, texts: Sequence[str]) -> list[SpokenQuestion]:
    plan = []
    for index in range(count):
        text = texts[index % len(texts)]
        speaker = SPEAKERS[(index + index // len(texts)) % len(SPEAKERS)]
        digest = hashlib.sha256(f"{text} {speaker}".encode()).hexdigest()[:8]
        plan.append(SpokenQuestion(text, speaker, folder / f"{speaker.name}-{digest}.wav"))
    return plan


class Voices:
    """The voices themselves; loads Piper and espeak-ng when first needed."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._piper: object = None

    def speak(self, text: str, speaker: Speaker) -> bytes:
        """Return `text` as 16 kHz mono 16-bit sound, of even level, with silent edges."""
        make = self._with_espeak if speaker.voice else self._with_piper
        edge, pause = bytes(EDGE_MS * BYTES_PER_MS), bytes(PAUSE_MS * BYTES_PER_MS)
        parts = [speech_pcm(*make(part, speaker)) for part in text.split(PAUSE)]
        return edge + pause.join(parts) + edge

    def _with_piper(self, text: str, speaker: Speaker) -> tuple[Samples, int]:
        from piper import PiperVoice, SynthesisConfig  # noqa: PLC0415 - optional, and slow to load

        if self._piper is None:
            self._piper = PiperVoice.load(next((self._models_dir / "piper-joe").glob("*.onnx")))
        voice = self._piper
        assert isinstance(voice, PiperVoice)  # noqa: S101 - for the type checker
        pace = SynthesisConfig(length_scale=160 / speaker.words_per_minute)
        chunks = list(voice.synthesize(text, pace))
        return np.concatenate([c.audio_int16_array for c in chunks]), chunks[0].sample_rate

    def _with_espeak(self, text: str, speaker: Speaker) -> tuple[Samples, int]:
        engine = _espeak()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            path = Path(folder) / "speech.wav"
            engine.setProperty("voice", speaker.voice)
            engine.setProperty("pitch", speaker.pitch)
            engine.setProperty("rate", speaker.words_per_minute)
            for _ in range(ATTEMPTS):
                engine.save_to_file(text, str(path))
                engine.runAndWait()
                if path.is_file():
                    break
            with wave.open(str(path)) as recording:
                rate = recording.getframerate()
                samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
        return samples, rate


def _espeak() -> Any:  # noqa: ANN401 - pyttsx3 has no types
    # The same espeak-ng on every machine, so that the questions sound alike: the one from the
    # wheel. Loaded first under its SONAME, it is what pyttsx3's own load by that name finds. Not
    # with RTLD_GLOBAL: Piper's module holds an espeak-ng of its own, which would then call into
    # this one and crash.
    import espeakng_loader  # noqa: PLC0415 - loads a library with a global state

    os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()
    ctypes.CDLL(espeakng_loader.get_library_path())
    import pyttsx3  # noqa: PLC0415

    return pyttsx3.init("espeak")


def words(text: str) -> list[str]:
    """Return the words of `text`, small, without punctuation, with apostrophes dropped."""
    return re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("\u2019", ""))


def word_errors(spoken: str, heard: str) -> int:
    """Return the fewest words to insert, delete or replace in `spoken` to get `heard`.

    The Levenshtein distance on words; divided by the words spoken it is the word error rate.
    """
    reference, hypothesis = words(spoken), words(heard)
    row = list(range(len(hypothesis) + 1))
    for index, word in enumerate(reference, start=1):
        previous, row[0] = row[0], index
        for column, other in enumerate(hypothesis, start=1):
            cost = min(row[column] + 1, row[column - 1] + 1, previous + (word != other))
            previous, row[column] = row[column], cost
    return row[-1]


def word_error_rate(spoken: str, heard: str) -> float:
    """Return the word error rate of one utterance: 0 is perfect, 1 and more is all wrong."""
    return word_errors(spoken, heard) / max(1, len(words(spoken)))


def main(argv: list[str]) -> int:
    """Make spoken questions into a folder; return a shell exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.speech", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=len(QUESTIONS))
    parser.add_argument("--pauses", action="store_true", help="questions with a pause inside")
    parser.add_argument("--models-dir", type=Path, default=Path("models"))
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    voices = Voices(arguments.models_dir)
    texts = PAUSED_QUESTIONS if arguments.pauses else QUESTIONS
    for question in _plan(arguments.folder, arguments.count, texts):
        if not question.path.is_file():
            # Whole or not at all: an interrupted run must not leave half a question.
            partial = question.path.with_suffix(f".partial-{os.getpid()}")
            write_wav(partial, voices.speak(question.text, question.speaker))
            partial.replace(question.path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
