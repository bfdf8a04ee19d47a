"""Whatever a toy sends, the server answers with a defined close code and serves the others."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from device.protocol import PCM_FRAME_BYTES, Close
from relay.config import Settings
from relay.lines import Lines, Situation
from relay.server import Server
from tests.relay.house import House, PairedToy
from tests.relay.scripted_engines import ScriptedEngines, ScriptedSafety, tone
from tests.relay.scripted_guardian import ScriptedGuardian
from tests.relay.scripted_toy import open_toy

DEFINED = {1000, 1002, 1006, 1007, *(v for k, v in vars(Close).items() if k.isupper())}

VALUES = st.none() | st.booleans() | st.integers(-1, 70_000) | st.text(max_size=5)
MESSAGES = st.one_of(
    st.builds(
        lambda turn, mode: {"type": "listen", "turn": turn, "mode": mode},
        *[st.integers(0, 4), st.sampled_from(["hold", "tap"])],
    ),
    st.builds(lambda turn: {"type": "listen_end", "turn": turn, "frames": 1}, st.integers(1, 4)),
    st.builds(lambda turn: {"type": "cancel", "turn": turn}, st.integers(1, 4)),
    st.builds(
        lambda turn: {"type": "played", "turn": turn, "played_ms": 1, "underruns": 0},
        st.integers(1, 4),
    ),
    st.fixed_dictionaries({"type": st.sampled_from(["hello", "result", "goodbye", "heartbeat"])}),
    st.dictionaries(st.sampled_from(["type", "turn", "mode", "frames"]), VALUES),
)
FRAMES = st.lists(
    MESSAGES.map(json.dumps)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.builds(
        lambda turn, body: bytes([1, turn, 0, 0]) + body.ljust(PCM_FRAME_BYTES, b"\1"),
        st.integers(0, 4),
        st.binary(max_size=8),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(frames=FRAMES, greeted=st.booleans())
def test_any_frames(frames: list[Any], greeted: bool) -> None:
    asyncio.run(scenario(frames, greeted))


async def scenario(frames: list[str | bytes], greeted: bool) -> None:
    engines = ScriptedEngines()
    house = House(server=None, engines=engines, safety=ScriptedSafety())
    house.toys = {"bear": PairedToy("1", "Bear", 6), "fox": PairedToy("2", "Fox", 6)}
    server = Server(
        settings=Settings(listen={"host": "127.0.0.1", "port": 0}, limits={"lead_ms": 5000}),
        engines=engines,
        safety=house.safety,
        authenticate=house.authenticate,
        lines=Lines({situation: tone(40) for situation in Situation}),
        alerts=house.alert,
        guardian=ScriptedGuardian(),
    )
    await server.start()
    try:
        wild = await open_toy(server.port, "bear")
        if greeted:
            await wild.say_hello()
        try:
            for frame in frames:
                await wild.socket.send(frame)
            await wild.socket.close()
        except ConnectionClosed:
            pass
        assert wild.socket.close_code in DEFINED
        assert wild.socket.close_code != Close.INTERNAL
        tame = await open_toy(server.port, "fox")
        await tame.say_hello(buffer_ms=5000)
        assert (await tame.converse(1)).stop["reason"] == "done"
        tame.socket.transport.abort()
    finally:
        await server.stop()
    assert server.sessions == {}
    assert engines.llm.under_way == 0
