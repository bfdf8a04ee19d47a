"""Make the recorded questions of `make talk` again: `python -m tools.talk.make_questions`.

They are kept in the repository, so that the first talk needs no voice of its own; this is how they
came to be.
"""

import sys
from pathlib import Path

from relay.audio import write_wav
from tools.bench.speech import Speaker, Voices

FOLDER = Path(__file__).parent / "questions"

PLAIN = Speaker("joe", "")
SLOW = Speaker("joe-slow", "", words_per_minute=145)
DEEP = Speaker("us-deep", "en-us+m1", pitch=50, words_per_minute=150)
HIGH = Speaker("us-high", "en-us", pitch=75, words_per_minute=145)
QUESTIONS = (
    ("1-sky", "Why is the sky blue?", PLAIN),
    ("2-story", "Can you tell me a story about a little bear?", SLOW),
    ("3-sleep", "Why do we have to sleep?", DEEP),
    ("4-dark", "I am scared of the dark.", HIGH),
)


def main() -> int:
    """Write the WAV files; return a shell exit code."""
    voices = Voices(Path("models"))
    for name, text, speaker in QUESTIONS:
        path = FOLDER / f"{name}.wav"
        write_wav(path, voices.speak(text, speaker))
        print(f"{path}  {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
