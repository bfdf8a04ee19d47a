"""Tiny firmwares for the simulated board, to test the board and its host without the real one."""

import textwrap
from pathlib import Path

ECHO = """
    import asyncio, struct, time
    from machine import I2S, Pin
    from neopixel import NeoPixel

    # The real firmware's colours and earcon length, see device/light.py and device/audio/earcon.py.
    IDLE, LISTENING, THINKING, SPEAKING = (0, 12, 0), (0, 64, 64), (64, 64, 0), (64, 64, 64)
    EARCON_SAMPLES = 1920
    light = NeoPixel(Pin(18), 1)
    paw = Pin(32, Pin.IN, Pin.PULL_UP)
    source = I2S(0, sck=Pin(26), ws=Pin(25), sd=Pin(33), mode=I2S.RX, bits=32, format=I2S.MONO,
                 rate=16000, ibuf=65536)
    target = I2S(1, sck=Pin(22), ws=Pin(21), sd=Pin(19), mode=I2S.TX, bits=16, format=I2S.STEREO,
                 rate=16000, ibuf=32768)
    recorded = []

    def show(colour):
        light[0] = colour
        light.write()

    async def record():
        stream = asyncio.StreamReader(source)
        words = bytearray(2048)
        while True:
            count = await stream.readinto(words)
            if not paw.value():
                recorded.extend(struct.unpack("<%di" % (count // 4), words[:count]))

    async def play(stream, samples):
        buffer = bytearray(4 * len(samples))
        for index, sample in enumerate(samples):
            struct.pack_into("<hh", buffer, 4 * index, sample, sample)
        stream.out_buf = buffer
        await stream.drain()

    async def main():
        asyncio.create_task(record())
        stream = asyncio.StreamWriter(target)
        await asyncio.sleep_ms(400)
        show(IDLE)
        while True:
            while paw.value():
                await asyncio.sleep_ms(10)
            show(LISTENING)
            await asyncio.sleep_ms(50)
            while not paw.value():
                await asyncio.sleep_ms(10)
            show(THINKING)
            await play(stream, [2000] * EARCON_SAMPLES)
            await asyncio.sleep_ms(200)
            show(SPEAKING)
            await play(stream, [word >> 11 for word in recorded])
            recorded.clear()
            await asyncio.sleep_ms(80)
            show(IDLE)

    asyncio.run(main())
"""


def write_firmware(folder: Path, main: str, boot: str = "") -> Path:
    """Make a firmware with this main.py; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "boot.py").write_text(textwrap.dedent(boot))
    (folder / "main.py").write_text(textwrap.dedent(main))
    (folder / "device").mkdir(exist_ok=True)
    return folder
