"""Make the lines that the toy says by itself: `python -m tools.sounds`.

Speaks each of them with the relay's voice and writes it to device/sounds in the toy's own codec,
20 ms a frame. The files are part of the firmware, so this is needed only for another voice or
another language: `--texts my.json --voice de`, with a JSON object like the one that --list prints.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from device.audio.earcon import Line
from device.audio.lines import SUFFIX
from device.protocol import AUDIO_HEADER_BYTES, PCM_FRAME_BYTES, Codec
from relay.audio import duration_ms, write_wav
from relay.config import Settings, TtsSettings
from relay.engines import load_tts
from relay.errors import RelayError
from relay.frames import FramePacker
from relay.tts import TextToSpeech

FOLDER = Path(__file__).resolve().parent.parent / "device" / "sounds"
TEXTS = {
    Line.AWAY: "I can't reach home right now. I'll keep trying.",
    Line.GROWN_UP: "I need help from a grown up.",
    Line.BATTERY_LOW: "My battery is nearly empty. Please charge me.",
    Line.UPDATING: "I'm learning something new. I'll be back in a minute.",
}
MOST_BYTES = 60_000  # of one line: 7 s, so that all of them leave room in the flash
PAUSE = bytes(PCM_FRAME_BYTES)  # before and after the words: amplifiers wake up late


class SoundsError(Exception):
    """The lines cannot be made; the message says what to do."""


def encode(pcm: bytes) -> bytes:
    """Return sound as a line's file: whole frames of ADPCM, the last one filled with silence."""
    packer = FramePacker(Codec.ADPCM, 0)
    frames = []
    for start in range(0, len(pcm), PCM_FRAME_BYTES):
        frame = pcm[start : start + PCM_FRAME_BYTES].ljust(PCM_FRAME_BYTES, b"\0")
        frames.append(packer.pack(frame)[AUDIO_HEADER_BYTES:])
    return b"".join(frames)


def read_texts(path: Path) -> dict[str, str]:
    """Read a JSON object of texts; SoundsError unless it has one for each line and no others."""
    try:
        texts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SoundsError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SoundsError(
            f"{path} is not JSON: {error}. --list shows how it should look."
        ) from error
    if (
        not isinstance(texts, dict)
        or set(texts) != set(TEXTS)
        or not all(isinstance(text, str) for text in texts.values())
    ):
        raise SoundsError(f"{path} must have a text for each of {', '.join(TEXTS)}, as in --list.")
    return texts


async def speak_all(tts: TextToSpeech, texts: Mapping[str, str]) -> dict[str, bytes]:
    """Return the sound of each text; SoundsError if one is empty or too long."""
    spoken = {}
    for name, text in texts.items():
        pcm = await tts.speak(text)
        if not pcm:
            raise SoundsError(f"There is nothing to say in the text of {name}: {text!r}")
        spoken[name] = PAUSE + pcm + PAUSE
        size = len(encode(spoken[name]))
        if size > MOST_BYTES:
            raise SoundsError(f"{name} takes {size} bytes, more than {MOST_BYTES}. Shorten it.")
    return spoken


def write_all(spoken: Mapping[str, bytes], texts: Mapping[str, str], folder: Path) -> Table:
    """Write the files; return a table of them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = Table("line", "says", "seconds", "bytes")
    for name, pcm in spoken.items():
        encoded = encode(pcm)
        (folder / f"{name}{SUFFIX}").write_bytes(encoded)
        table.add_row(name, texts[name], f"{duration_ms(pcm) / 1000:.1f}", str(len(encoded)))
    return table


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    defaults = TtsSettings()
    engines = get_args(TtsSettings.model_fields["engine"].annotation)
    parser = argparse.ArgumentParser(prog="python -m tools.sounds", description=__doc__)
    parser.add_argument("--engine", choices=engines, default=defaults.engine)
    parser.add_argument("--voice", default=defaults.voice, help="of espeak-ng, like en-us or de")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="say these instead")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER", help="write there")
    parser.add_argument("--wav", type=Path, metavar="FOLDER", help="WAV files to listen to, too")
    parser.add_argument("--list", action="store_true", help="print the texts and make nothing")
    return parser


async def make(arguments: argparse.Namespace, console: Console) -> None:
    """Make the lines; SoundsError or RelayError says what is in the way."""
    texts = read_texts(arguments.texts) if arguments.texts else TEXTS
    voice = TtsSettings(engine=arguments.engine, voice=arguments.voice)
    tts = await load_tts(voice, Settings().models_dir)
    try:
        spoken = await speak_all(tts, texts)
    finally:
        await tts.close()
    console.print(write_all(spoken, texts, arguments.to))
    if arguments.wav:
        arguments.wav.mkdir(parents=True, exist_ok=True)
        for name, pcm in spoken.items():
            write_wav(arguments.wav / f"{name}.wav", pcm)
    console.print(f"Spoken by {tts.name}, written to {arguments.to}")


def main(argv: Sequence[str]) -> int:
    """Make the lines; return a shell exit code."""
    arguments = make_parser().parse_args(argv)
    if arguments.list:
        print(json.dumps(TEXTS, indent=2))
        return 0
    try:
        asyncio.run(make(arguments, Console()))
    except (SoundsError, RelayError) as error:
        Console(stderr=True).print(str(error), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
