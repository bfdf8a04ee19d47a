"""How long sound stays in the toy: microphone to socket, socket to loudspeaker, and what it costs.

The times are the firmware's on the virtual toy, whose DMA queues, clock grain and pacing are those
of a board, on loopback instead of Wi-Fi and on a processor that is faster by far: what they show is
the buffering, not the work. The bytes are what the garbage collector has to clear up for each frame
of 20 ms on 64 bits; on the ESP32 objects take about half.
"""

import argparse
import asyncio
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from device.protocol import (
    FRAME_MS,
    PCM_FRAME_BYTES,
    RATE_HZ,
    SUBPROTOCOL,
    TOY_CODEC,
    Codec,
)
from relay.frames import FramePacker, unpack
from tools.bench.report import p50_p95, print_table, write_json
from tools.bench.websocket import ROOT, BenchError, find_micropython
from tools.virtual_toy import Reply, VirtualToy, VirtualToyError
from tools.virtual_toy.sound import Samples, last_voiced

HOST = "127.0.0.1"
PREBUFFER_MS = 120
PREBUFFER_FRAMES = PREBUFFER_MS // FRAME_MS
REPLY_FRAMES = 20
LEAD_MS = 600  # sound of the first 300 ms is held until a tap can be told from a hold
THINK_S = 0.5  # longer than the toy's own sound after a question
CLICKS = 10
CLICK_EVERY_MS = 210  # no multiple of a frame or of a DMA buffer: clicks fall everywhere in them
CLICK_SAMPLES = 16
LOUD = 12000
# A click is known again by its height, so that a late one is not taken for the next.
LOWEST_CLICK = 6000
CLICK_STEP = 2000
HEARD = LOWEST_CLICK // 2
FRAMES_WEIGHED = 300
TIMEOUT_S = 60
MIC_GOAL_MS = 60
SPEAKER_GOAL_MS = 20


class Relay:
    """Answers each question with noise, and keeps when each frame came and went."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, Samples]] = []  # of the question: when a frame came, and it
        self.filled_at = 0.0  # when the frame that completes the toy's prebuffer was sent

    async def serve(self, connection: ServerConnection) -> None:
        """Talk with one toy."""
        try:
            async for frame in connection:
                if isinstance(frame, bytes):
                    samples = np.frombuffer(unpack(frame).pcm, "<i2")
                    self.heard.append((time.monotonic(), samples))
                else:
                    await self._take(connection, json.loads(frame))
        except ConnectionClosed:
            pass  # the toy was switched off

    async def _take(self, connection: ServerConnection, message: dict[str, object]) -> None:
        kind = message["type"]
        if kind == "hello":
            welcome = {
                "type": "welcome",
                "session": "0" * 12,
                "codec": TOY_CODEC,
                "heartbeat_s": 10,
                "timeout_s": 25,
                "prebuffer_ms": PREBUFFER_MS,
                "max_listen_s": 30,
            }
            await connection.send(json.dumps(welcome))
        elif kind == "heartbeat":
            await connection.send(json.dumps({"type": "heartbeat_ack", "time_s": 0}))
        elif kind == "listen":
            self.heard.clear()
        elif kind == "listen_end":
            await asyncio.sleep(THINK_S)
            await self._speak(connection, int(str(message["turn"])))

    async def _speak(self, connection: ServerConnection, turn: int) -> None:
        await connection.send(json.dumps({"type": "speech_start", "turn": turn}))
        payload = np.full(PCM_FRAME_BYTES // 2, LOUD, "<i2").tobytes()
        packer = FramePacker(Codec.ADPCM, turn)
        for number in range(REPLY_FRAMES):
            if number == PREBUFFER_FRAMES - 1:
                self.filled_at = time.monotonic()
            await connection.send(packer.pack(payload))
        stop = {"type": "speech_stop", "turn": turn, "reason": "done", "frames": REPLY_FRAMES}
        await connection.send(json.dumps(stop))


def make_clicks() -> Samples:
    """Return the question: short clicks, each louder than the one before, and silence between."""
    every = RATE_HZ * CLICK_EVERY_MS // 1000
    samples = np.zeros(every * (CLICKS - 1) + CLICK_SAMPLES, np.int16)
    for number in range(CLICKS):
        samples[number * every : number * every + CLICK_SAMPLES] = (
            LOWEST_CLICK + CLICK_STEP * number
        )
    return samples


def microphone_ms(heard: list[tuple[float, Samples]], started_at: float) -> list[float]:
    """Return for each click how long its first sample took from the microphone to the relay.

    `started_at` is when the first click reached the microphone. A frame that has the beginning of a
    click counts; clicks before the toy recorded are missing.
    """
    times = []
    sounding = False  # the frame before ended inside a click
    for arrived_at, samples in heard:
        loud = np.abs(samples.astype(np.int32)) >= HEARD
        if loud.any() and not (sounding and loud[0]):
            peak = int(samples[loud].max())
            number = round((peak - LOWEST_CLICK) / CLICK_STEP)
            clicked_at = started_at + number * CLICK_EVERY_MS / 1000
            times.append((arrived_at - clicked_at) * 1000)
        sounding = bool(loud[-1])
    return times


@asynccontextmanager
async def running_toy(relay: Relay) -> AsyncIterator[VirtualToy]:
    """Run a virtual toy that talks with `relay`."""
    async with serve(
        relay.serve,
        HOST,
        0,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
        ping_interval=None,
        compression=None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        toy = VirtualToy(relay_url=f"ws://{HOST}:{port}/toy", token="bench")  # noqa: S106
        async with toy:
            await toy.wait_until_ready()
            yield toy


async def measure_times(turns: int) -> tuple[list[float], list[float]]:
    """Ask `turns` times; return the times of microphone and speaker in ms."""
    relay = Relay()
    question = make_clicks()
    microphone: list[float] = []
    speaker: list[float] = []
    async with running_toy(relay) as toy:
        for _ in range(turns):
            reply: Reply = await toy.ask(
                question, lead_ms=LEAD_MS, hold_extra_ms=300, timeout_s=TIMEOUT_S
            )
            if reply.last_voiced_at is None or reply.first_speech_at is None:
                raise BenchError("The toy did not play what the relay sent.")
            started_at = reply.last_voiced_at - last_voiced(question) / RATE_HZ
            microphone += microphone_ms(relay.heard, started_at)
            speaker.append((reply.first_speech_at - relay.filled_at) * 1000)
    if not microphone:
        raise BenchError("No click reached the relay.")
    return microphone, speaker


def weigh_frames() -> list[dict[str, object]]:
    """Return a row for each way of a frame with the bytes that it leaves behind."""
    script = ROOT / "tools/bench/on_micropython/allocation.py"
    result = subprocess.run(
        [str(find_micropython()), str(script), str(FRAMES_WEIGHED)],
        env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise BenchError(f"The weighing failed:\n{result.stderr or result.stdout}")
    rows: list[dict[str, object]] = []
    for line in result.stdout.splitlines():
        name, whole, bare = line.split()
        total = round(float(whole))
        rows.append({"way": name, "bytes_per_frame": total, "of_asyncio": round(float(bare))})
    return rows


def main(argv: list[str]) -> int:
    """Measure, print tables; return 0, or 2 if it could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench sound", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--turns", type=int, default=4, help="questions to ask (default 4)")
    arguments = parser.parse_args(argv)
    if arguments.turns < 1:
        parser.error("--turns must be at least 1")
    console = Console()
    try:
        with console.status("The toy hears clicks and says noise"):
            microphone, speaker = asyncio.run(measure_times(arguments.turns))
            rows = weigh_frames()
    except (BenchError, VirtualToyError) as error:
        Console(stderr=True).print(str(error), markup=False)
        return 2
    figures = {
        **p50_p95("microphone_to_socket_ms", microphone),
        **p50_p95("socket_to_speaker_over_prebuffer_ms", speaker),
        **{f"{row['way']}_bytes": float(str(row["bytes_per_frame"])) for row in rows},
    }
    times: list[dict[str, object]] = [
        {"time_ms": name, "p50": values[0], "p95": values[1], "goal": goal}
        for name, values, goal in (
            ("microphone to socket", list(p50_p95("x", microphone).values()), MIC_GOAL_MS),
            (
                "socket to speaker, over the prebuffer",
                list(p50_p95("x", speaker).values()),
                SPEAKER_GOAL_MS,
            ),
        )
    ]
    print_table("Sound inside the virtual toy", times, console)
    print_table("Garbage of one frame, bytes on 64 bits", rows, console)
    if arguments.json:
        write_json(
            arguments.json,
            bench="sound",
            figures=figures,
            rows=[*times, *rows],
            runs=arguments.turns,
        )
    return 0
