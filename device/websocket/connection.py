"""An open WebSocket on MicroPython's asyncio: one reader, any number of writers.

Buffers are made once. Sending and receiving try the socket first and wait only when it has no room
or nothing to give, which saves the event loop's garbage on most audio frames.
"""

import asyncio
import os
import time

from device.audio.dsp import mask
from device.websocket.errors import CloseCode, ConnectionClosed, ProtocolError
from device.websocket.frames import (
    MAX_HEADER_BYTES,
    Opcode,
    Parser,
    pack_close,
    pack_header,
    unpack_close,
)

# A blocked write is tried again after this time instead of waiting in the event loop's poll. There,
# cancelling the task that reads a socket also forgets the task that waits to write to it, which
# then never wakes (asyncio.core.IOQueue.remove drops the entry of both).
WRITE_POLL_MS = 5
# Reads in a row without giving way to other tasks, so that a flood cannot starve them.
EAGER_READS = 16
# How long a peer that broke the protocol is given to read why it is being closed.
LINGER_MS = 1000
LINGER_POLL_MS = 10


class WebSocket:
    """An open connection; made by `connect`.

    One task at a time may await `receive`; it also answers pings and the peer's close. Any task may
    send. A cancelled `send_*` of a message that fits the transmit buffer does no harm: the next
    sender completes its frame.
    """

    def __init__(self, stream, max_message_bytes, transmit_bytes):
        self._stream = stream
        self._socket = stream.s  # None once closed
        self._parser = Parser(max_message_bytes)
        self._transmit = memoryview(bytearray(max(transmit_bytes, MAX_HEADER_BYTES + 1)))
        self._start = 0  # what is in the transmit buffer and not yet in the socket
        self._end = 0
        self._lock = asyncio.Lock()
        self._close_sent = False
        self._closed = None  # (code, reason) once the connection has ended
        self._ended = asyncio.Event()
        self._reader = None  # the task that awaits receive()
        self._reader_woken = False  # it was cancelled by ourselves, to leave the poll
        self._eager_reads = 0

    async def send_text(self, text):
        """Send one text message; raises ConnectionClosed."""
        data = text.encode()
        await self._send(Opcode.TEXT, data, len(data))

    async def send_binary(self, buffer, length):
        """Send the first `length` bytes of `buffer` as one message; raises ConnectionClosed.

        The caller leaves `buffer` alone until this returns.
        """
        await self._send(Opcode.BINARY, buffer, length)

    async def receive(self):
        """Return (opcode, payload) of the next message, opcode TEXT or BINARY.

        `payload` is a memoryview into the receive buffer, valid until the next call. May be
        cancelled and called again without losing anything. Raises ConnectionClosed.
        """
        if self._reader is not None:
            raise RuntimeError("another task is receiving")
        self._reader = asyncio.current_task()
        try:
            return await self._receive_message()
        except asyncio.CancelledError:
            if not self._reader_woken:
                raise
            raise ConnectionClosed(*self._closed)
        finally:
            self._reader = None

    async def close(self, code=CloseCode.NORMAL, reason="", timeout_s=2):
        """Close with the closing handshake; never raises, and has closed the socket afterwards."""
        try:
            await asyncio.wait_for(self._close(code, reason), timeout_s)
        except (ConnectionClosed, asyncio.TimeoutError):
            pass
        finally:
            self.abort("closed")

    def abort(self, reason="aborted"):
        """Close the socket at once; who waits here gets ConnectionClosed with code 1006."""
        self._drop(CloseCode.ABNORMAL, reason)

    async def _receive_message(self):
        try:
            while True:
                opcode = await self._read_frame()
                payload = self._parser.payload
                if opcode in (Opcode.TEXT, Opcode.BINARY):
                    return opcode, payload
                if opcode == Opcode.PING:
                    await self._send(Opcode.PONG, payload, len(payload))
                elif opcode == Opcode.CLOSE:
                    code, reason = unpack_close(payload)
                    await self._send(Opcode.CLOSE, payload[:2], len(payload[:2]))
                    self._drop(code, reason)
        except ProtocolError as error:
            await self._refuse(error)
            raise ConnectionClosed(error.code, error.reason)

    async def _read_frame(self):
        """Read until the parser has a whole message or a control frame; return its opcode."""
        while True:
            if self._closed is not None:
                raise ConnectionClosed(*self._closed)
            space = self._parser.space()
            count = None
            try:
                self._eager_reads += 1
                if self._eager_reads < EAGER_READS:
                    count = self._socket.readinto(space)
                if count is None:
                    self._eager_reads = 0
                    count = await self._stream.readinto(space)
            except OSError as error:
                self._lose(error)
            if count == 0:
                self._lose("the server has gone")
            if count:
                opcode = self._parser.advance(count)
                if opcode is not None:
                    return opcode

    async def _send(self, opcode, data, length):
        """Send one frame, through the transmit buffer in as many pieces as it needs."""
        position = -1
        data = memoryview(data)
        await self._lock.acquire()
        try:
            while not self._flush():  # what a cancelled sender left
                await asyncio.sleep_ms(WRITE_POLL_MS)
            if self._close_sent:
                if opcode >= Opcode.CLOSE:
                    return  # a pong or a second close frame: nobody waits for it any more
                raise ConnectionClosed(CloseCode.ABNORMAL, "closing")
            self._close_sent = opcode == Opcode.CLOSE
            transmit = self._transmit
            key = os.urandom(4)
            start = pack_header(transmit, opcode, length, key)
            position = 0
            while True:
                count = min(length - position, len(transmit) - start)
                transmit[start : start + count] = data[position : position + count]
                mask(transmit, start, count, key, position)
                self._start = 0
                self._end = start + count
                position += count
                while not self._flush():
                    await asyncio.sleep_ms(WRITE_POLL_MS)
                if position == length:
                    return
                start = 0
        except asyncio.CancelledError:
            if 0 <= position < length:
                self.abort("cancelled inside a message")  # half a frame is out: nothing can follow
            raise
        finally:
            self._lock.release()

    def _flush(self):
        """Write what is left in the transmit buffer; False when the socket has no room for all."""
        if self._closed is not None:
            raise ConnectionClosed(*self._closed)
        while self._start < self._end:
            try:
                count = self._socket.write(self._transmit[self._start : self._end])
            except OSError as error:
                self._lose(error)
            if not count:
                return False
            self._start += count
        return True

    async def _close(self, code, reason):
        payload = pack_close(code, reason)
        await self._send(Opcode.CLOSE, payload, len(payload))
        if self._reader is not None:
            await self._ended.wait()
        while True:
            await self.receive()

    async def _refuse(self, error):
        """Tell the peer what it did wrong, wait for it to hang up, drop the connection."""
        payload = pack_close(error.code, error.reason)
        await self._send(Opcode.CLOSE, payload, len(payload))
        # Closing with unread bytes in the socket would reset the connection, and the peer would
        # never see the close frame: read them first.
        discarded = bytearray(256)
        started = time.ticks_ms()
        while self._closed is None and time.ticks_diff(time.ticks_ms(), started) < LINGER_MS:
            try:
                if self._socket.readinto(discarded) == 0:
                    break
            except OSError:
                break
            await asyncio.sleep_ms(LINGER_POLL_MS)
        self._drop(error.code, error.reason)

    def _lose(self, error):
        self._drop(CloseCode.ABNORMAL, "connection lost: %s" % error)
        raise ConnectionClosed(*self._closed)

    def _drop(self, code, reason):
        if self._closed is not None:
            return
        self._closed = (code, reason)
        self._ended.set()
        reader = self._reader
        if reader is not None and reader is not asyncio.current_task():
            # It may wait in the event loop's poll, which must not see a closed socket. Senders
            # wait elsewhere and find out by themselves.
            self._reader_woken = True
            reader.cancel()
        self._socket.close()
        self._socket = None
