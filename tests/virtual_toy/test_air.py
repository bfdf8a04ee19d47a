"""The way through the air can be slow, uneven, blocked or cut, and what passes is never changed."""

import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.virtual_toy.air import Air, NetworkConditions

PATIENCE_S = 20


class Echo:
    """A server that says everything back."""

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def answer(self, reader, writer):
        try:
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()


@pytest.fixture
async def echo():
    async with Echo() as server:
        yield server


async def through(air):
    return await asyncio.open_connection("127.0.0.1", air.port)


async def exchange(connection, data):
    reader, writer = connection
    writer.write(data)
    await writer.drain()
    return await asyncio.wait_for(reader.readexactly(len(data)), PATIENCE_S)


async def is_silent(reader, for_s=0.3):
    try:
        await asyncio.wait_for(reader.read(1), for_s)
    except asyncio.TimeoutError:
        return True
    return False


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(min_size=1, max_size=4000),
    latency=st.floats(0, 5),
    jitter=st.floats(0, 20),
    partial=st.booleans(),
)
def test_bytes_arrive_whole_and_in_order(data, latency, jitter, partial):
    async def run():
        async with Echo() as server:
            conditions = NetworkConditions(latency, jitter, partial_writes=partial)
            air = Air("127.0.0.1", server.port, conditions)
            await air.start()
            try:
                assert await exchange(await through(air), data) == data
            finally:
                await air.stop()

    asyncio.run(run())


async def test_latency_and_bandwidth_take_their_time(echo):
    conditions = NetworkConditions(latency_ms=60)
    air = Air("127.0.0.1", echo.port, conditions)
    await air.start()
    connection = await through(air)
    began = time.monotonic()
    await exchange(connection, b"there and back")
    assert time.monotonic() - began >= 0.12
    conditions.latency_ms, conditions.bytes_per_s = 0, 10000
    began = time.monotonic()
    await exchange(connection, bytes(1000))
    assert time.monotonic() - began >= 0.2
    await air.stop()


async def test_a_blocked_link_is_silent_and_then_goes_on(echo):
    air = Air("127.0.0.1", echo.port, NetworkConditions())
    await air.start()
    reader, writer = connection = await through(air)
    await exchange(connection, b"before")
    air.block()
    writer.write(b"during")
    assert await is_silent(reader)
    # A new connection gets no answer either.
    other_reader, other_writer = await through(air)
    other_writer.write(b"x")
    assert await is_silent(other_reader)
    air.unblock()
    assert await asyncio.wait_for(reader.readexactly(6), PATIENCE_S) == b"during"
    assert await asyncio.wait_for(other_reader.readexactly(1), PATIENCE_S) == b"x"
    await air.stop()


async def test_a_cut_link_is_reset(echo):
    air = Air("127.0.0.1", echo.port, NetworkConditions())
    await air.start()
    reader, _ = connection = await through(air)
    await exchange(connection, b"before")
    air.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), PATIENCE_S)
    assert await exchange(await through(air), b"again") == b"again"
    await air.stop()


async def test_after_a_change_of_address_old_links_are_dead_and_new_ones_work(echo):
    air = Air("127.0.0.1", echo.port, NetworkConditions())
    await air.start()
    reader, writer = connection = await through(air)
    await exchange(connection, b"before")
    air.drop()
    writer.write(b"lost")
    assert await is_silent(reader)
    assert await exchange(await through(air), b"new") == b"new"
    await air.stop()


async def test_a_relay_that_is_down_resets_the_toy():
    air = Air("127.0.0.1", 9, NetworkConditions())
    await air.start()
    reader, _ = await through(air)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), PATIENCE_S)
    await air.stop()


async def test_the_end_of_a_stream_passes_too(echo):
    air = Air("127.0.0.1", echo.port, NetworkConditions())
    await air.start()
    reader, writer = await through(air)
    writer.write(b"last words")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b"last words"
    await air.stop()
