"""The questions that a bench asks: made here or anybody's own, quiet and in the noise of a home."""

from dataclasses import dataclass, replace
from pathlib import Path

from relay.audio import Samples, pcm_of, samples_of
from tools.bench.noise import KINDS, add_noise
from tools.bench.speech import PAUSE, SpokenQuestion, spoken_questions
from tools.talk.recording import RecordingError, read_recording
from tools.virtual_toy.sound import last_voiced

CACHE = Path("out/questions")
TALKERS = 12  # recordings of which babble is made
ALL_TEXTS = ("questions.txt", "transcripts.txt")
LARGEST_TEXT_BYTES = 1_000_000


@dataclass(frozen=True)
class Question:
    """A recording (16 kHz mono s16le), the words in it where they are known, and its noise.

    `voiced_samples` is where the voice ends; `snr_db` is None in a quiet room.
    """

    name: str
    pcm: bytes
    text: str | None
    voiced_samples: int
    snr_db: int | None = None
    noise: str = ""
    paused: bool = False

    @property
    def place(self) -> str:
        """The noise level as tables and figures name it: "quiet", "snr_20" ..."""
        return "quiet" if self.snr_db is None else f"snr_{self.snr_db}"


def made_questions(count: int) -> list[Question]:
    """Return `count` questions in many voices; raises RuntimeError if they cannot be made."""
    return [_of_spoken(each) for each in spoken_questions(CACHE, count)]


def paused_questions(count: int) -> list[Question]:
    """Return `count` questions with a pause inside; raises RuntimeError."""
    spoken = spoken_questions(CACHE, count, with_pauses=True)
    return [replace(_of_spoken(each), paused=True) for each in spoken]


def own_questions(folder: Path, count: int | None = None) -> list[Question]:
    """Return the recordings in `folder`, any WAV files, at most `count`.

    What is said stands in a text file of the same name beside each (`sky.wav`, `sky.txt`), or for
    all in one `questions.txt`: a line each, file name, a tab, a comma or a bar, words. Raises
    RecordingError in plain words.
    """
    if not folder.is_dir():
        raise RecordingError(f"there is no folder {folder}")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav")[:count]
    if not paths:
        raise RecordingError(f"there is no WAV file in {folder}")
    texts = _all_texts(folder)
    unknown = sorted(set(texts) - {path.stem for path in folder.iterdir()})
    if unknown:
        raise RecordingError(f"{folder}: words are given for {unknown[0]!r}, but no such WAV file")
    return [_own(path, texts) for path in paths]


def in_noise(questions: list[Question], snr_db: int) -> list[Question]:
    """Return the same questions in noise of each kind in turn; raises RuntimeError."""
    talk = [samples_of(read_recording(q.path)) for q in spoken_questions(CACHE, TALKERS)]
    return [
        _noisy(question, list(KINDS)[index % len(KINDS)], snr_db, talk, seed=index)
        for index, question in enumerate(questions)
    ]


def _noisy(question: Question, kind: str, snr_db: int, talk: list[Samples], seed: int) -> Question:
    mixed = add_noise(samples_of(question.pcm), kind, snr_db, talk=talk, seed=seed)
    name = f"{question.name} ({kind}, {snr_db} dB)"
    return replace(question, name=name, pcm=pcm_of(mixed), snr_db=snr_db, noise=kind)


def _of_spoken(spoken: SpokenQuestion) -> Question:
    pcm = read_recording(spoken.path)
    text = " ".join(spoken.text.replace(PAUSE, " ").split())
    return Question(f"{spoken.speaker.name}: {text}", pcm, text, last_voiced(samples_of(pcm)))


def _own(path: Path, texts: dict[str, str]) -> Question:
    pcm = read_recording(path)
    beside = next(
        (p for p in (path.with_suffix(".txt"), path.with_suffix(".TXT")) if p.is_file()), None
    )
    text = _read_text(beside) if beside else texts.get(path.stem)
    return Question(path.stem, pcm, text, last_voiced(samples_of(pcm)))


def _all_texts(folder: Path) -> dict[str, str]:
    """Return the words by name of the recording, from the one file that holds all of them."""
    found = next((folder / name for name in ALL_TEXTS if (folder / name).is_file()), None)
    texts: dict[str, str] = {}
    for number, line in enumerate(_read_text(found).splitlines() if found else [], start=1):
        if not line.strip():
            continue
        mark = next((mark for mark in "\t|," if mark in line), None)
        if mark is None:
            raise RecordingError(
                f"{found}, line {number}: write the name of the WAV file, a tab, and its words"
            )
        name, _, text = line.partition(mark)
        name = name.strip()
        texts[name[:-4] if name.lower().endswith(".wav") else name] = text.strip()
    return texts


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise RecordingError(f"{path} is too large to be what is said")
        return path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from None
