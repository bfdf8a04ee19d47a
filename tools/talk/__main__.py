"""Ask the toy spoken questions: the real firmware, the real relay, real models, no board needed.

A relay and a virtual toy are started on this computer. Each question is played into the toy's
microphone in real time while its paw is squeezed; what comes out of its speaker is saved.
"""

import argparse
import asyncio
import logging
import sys
import time
from pathlib import Path

from rich.console import Console

from relay.audio import SAMPLE_RATE, duration_ms, pcm_of, write_wav
from relay.config import LogSettings
from relay.errors import RelayError
from relay.record import Outcome
from relay.telemetry import set_up_logging
from tools.talk.home import open_home
from tools.talk.live import LiveError, talk_live
from tools.talk.recording import RecordingError, read_recording
from tools.talk.show import make_console, show_engines, show_saved, show_turn
from tools.talk.timeline import timeline
from tools.virtual_toy import VirtualToy, VirtualToyError

QUESTIONS = Path(__file__).parent / "questions"
READY_TIMEOUT_S = 30
ANSWERED = {Outcome.ANSWERED, Outcome.REVIEWED}


def main() -> int:
    """Talk; return 0 when every question got a spoken answer."""
    arguments = parse(sys.argv[1:])
    console = make_console()
    arguments.out.mkdir(parents=True, exist_ok=True)
    log_path = arguments.out / "relay.log"
    try:
        recordings = {path: read_recording(path) for path in arguments.question}
        with log_path.open("w", encoding="utf-8") as log:
            set_up_logging(LogSettings(level="INFO"), log)
            return asyncio.run(talk(arguments, recordings, console))
    except RecordingError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except (LiveError, RelayError, VirtualToyError) as error:
        console.print(str(error), style="red", markup=False)
        console.print(f"Details: {log_path}", style="dim", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        logging.shutdown()


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tools.talk", description=__doc__)
    add = parser.add_argument
    add("--question", type=Path, action="append", metavar="FILE", help="ask a recording of yours")
    add("--live", action="store_true", help="talk into this computer's microphone")
    add("--age", type=int, default=7, choices=range(3, 14), metavar="YEARS", help="3 to 13")
    add("--mode", choices=("hold", "tap"), default="hold", help="hold the paw, or tap it once")
    add("--out", type=Path, default=Path("out/talk"), metavar="DIR", help="where replies are saved")
    arguments = parser.parse_args(argv)
    arguments.question = arguments.question or sorted(QUESTIONS.glob("*.wav"))
    return arguments


async def talk(
    arguments: argparse.Namespace, recordings: dict[Path, bytes], console: Console
) -> int:
    """Start a home, ask each question in it or talk live; return a shell exit code."""
    started = time.monotonic()
    console.print("Starting the relay and the toy ...", style="dim")
    answered = []
    async with open_home(listen={"tls": True}) as home:
        show_engines(console, home.relay.engines, home.relay.settings.stt)
        token = await home.pair(age=arguments.age)
        if arguments.live:
            return await talk_live(home, token, arguments.age, console)
        async with VirtualToy(
            relay_url=home.url,
            token=token,
            age=arguments.age,
            relay_certificate=home.certificate,
        ) as toy:
            await toy.wait_until_ready(READY_TIMEOUT_S)
            console.print(f"Ready after {time.monotonic() - started:.1f} s.\n", style="dim")
            for number, (path, pcm) in enumerate(recordings.items(), start=1):
                record, reply = await home.ask(toy, pcm, mode=arguments.mode)
                title = f"{number}. {path.name} ({duration_ms(pcm) / 1000:.1f} s)"
                show_turn(console, title, record, timeline(record, reply))
                saved = arguments.out / f"{path.stem}-reply.wav"
                write_wav(saved, pcm_of(reply.pcm))
                show_saved(console, saved, len(reply.pcm) / SAMPLE_RATE)
                answered.append(record.outcome in ANSWERED and reply.answered)
    if not all(answered):
        console.print(f"[red]{answered.count(False)} of {len(answered)} got no spoken answer.")
        return 1
    console.print(f"[green]Spoken answers: {len(answered)} of {len(answered)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
