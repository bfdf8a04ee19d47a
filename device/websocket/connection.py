"""An open WebSocket on MicroPython's asyncio: one reader, any number of writers.

Buffers are made once. `send_now` and `receive_now` do what needs no waiting, without a coroutine or
anything else that is garbage afterwards: a frame of sound costs the heap next to nothing.
"""

import asyncio
import os

from device.audio.dsp import mask
from device.unload import unload
from device.websocket.errors import CloseCode, ConnectionClosed, ProtocolError
from device.websocket.frames import MAX_HEADER_BYTES, Opcode, Parser, pack_header

# A blocked write is tried again after this time instead of waiting in the event loop's poll, where
# cancelling a socket's reader also forgets its writer, which then never wakes
# (asyncio.core.IOQueue.remove drops the entry of both).
WRITE_POLL_MS = 5
# Reads in a row without giving way to other tasks, so that a flood cannot starve them.
EAGER_READS = 16
# Masking keys, 4 bytes each, are drawn from the chip's random numbers so many at once.
KEYS = 16


def _closing():
    from device.websocket import closing  # 600 bytes, for the end of a connection only

    unload("device.websocket.closing")
    return closing


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
        self._key = bytearray(4)
        self._keys = b""
        self._keys_left = 0
        self._lock = asyncio.Lock()
        self._close_sent = False
        self._closed = None  # (code, reason) once the connection has ended
        self._ended = asyncio.Event()
        self._reader = None  # the task that awaits receive()
        self._reader_woken = False  # it was cancelled by ourselves, to leave the poll
        self._eager_reads = 0
        self._arrived = None  # the opcode of what has been read whole, or a ProtocolError

    @property
    def payload(self):
        """The bytes of the last message, a memoryview that is valid until the next is asked for."""
        return self._parser.payload

    async def send_text(self, text):
        """Send one text message; raises ConnectionClosed."""
        data = text.encode()
        await self._send(Opcode.TEXT, data, len(data))

    async def send_binary(self, buffer, length):
        """Send the first `length` bytes of `buffer` as one message; raises ConnectionClosed.

        The caller leaves `buffer` alone until this returns.
        """
        await self._send(Opcode.BINARY, buffer, length)

    def send_now(self, buffer):
        """Send all of `buffer` as a binary message if that needs no waiting; False if it does.

        What the socket has no room for goes by `flush`, see `is_behind`. Raises ConnectionClosed.
        """
        length = len(buffer)
        transmit = self._transmit
        if self._lock.locked() or self._close_sent or not self._flush():
            return False
        if MAX_HEADER_BYTES + length > len(transmit):
            return False
        key = self._next_key()
        start = pack_header(transmit, Opcode.BINARY, length, key)
        transmit[start : start + length] = buffer
        mask(transmit, start, length, key, 0)
        self._start = 0
        self._end = start + length
        self._flush()
        return True

    @property
    def is_behind(self):
        """Tell whether a part of what `send_now` took is not yet in the socket."""
        return self._start < self._end

    async def flush(self):
        """Wait until all that `send_now` took is in the socket; raises ConnectionClosed."""
        while not self._flush():
            await asyncio.sleep_ms(WRITE_POLL_MS)

    def receive_now(self):
        """Return the opcode of the next message if all of it is here: see `payload`.

        Otherwise None, and `receive` has to be awaited. Raises ConnectionClosed.
        """
        if self._closed is not None:
            raise ConnectionClosed(*self._closed)
        while self._arrived is None and self._eager_reads < EAGER_READS:
            self._eager_reads += 1
            count = None
            try:
                count = self._socket.readinto(self._parser.space())
            except OSError as error:
                self._lose(error)
            if count is None:
                break
            self._take(count)
        opcode = self._arrived
        if opcode == Opcode.BINARY or opcode == Opcode.TEXT:
            self._arrived = None
            return opcode
        return None

    async def receive(self):
        """Return (opcode, payload) of the next message, opcode TEXT or BINARY.

        `payload` is a memoryview into the receive buffer, valid until the next call. May be
        cancelled and called again without losing anything. Raises ConnectionClosed.
        """
        if self._reader is not None:
            raise RuntimeError("another task is receiving")
        self._reader = asyncio.current_task()
        try:
            while True:
                opcode = self.receive_now()
                if opcode is not None:
                    return opcode, self._parser.payload
                if self._arrived is not None:
                    await self._answer()
                else:
                    self._eager_reads = 0
                    try:
                        count = await self._stream.readinto(self._parser.space())
                    except OSError as error:
                        self._lose(error)
                    if count is not None:  # TLS sometimes wakes up without data
                        self._take(count)
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

    def _take(self, count):
        """Note what `count` bytes more have made whole."""
        if count == 0:
            self._lose("the server has gone")
        try:
            self._arrived = self._parser.advance(count)
        except ProtocolError as error:
            self._arrived = error

    async def _answer(self):
        """See to a control frame, or to a breach of the protocol."""
        arrived, self._arrived = self._arrived, None
        payload = self._parser.payload
        try:
            if isinstance(arrived, ProtocolError):
                raise arrived
            if arrived == Opcode.PING:
                await self._send(Opcode.PONG, payload, len(payload))
            elif arrived == Opcode.CLOSE:
                code, reason = _closing().unpack_close(payload)
                await self._send(Opcode.CLOSE, payload[:2], len(payload[:2]))
                self._drop(code, reason)
        except ProtocolError as error:
            await self._refuse(error)
            raise ConnectionClosed(error.code, error.reason)

    def _next_key(self):
        """Return 4 random bytes; the next call puts others in their place."""
        if self._keys_left == 0:
            self._keys = os.urandom(4 * KEYS)
            self._keys_left = KEYS
        self._keys_left -= 1
        for index in range(4):
            self._key[index] = self._keys[4 * self._keys_left + index]
        return self._key

    async def _send(self, opcode, data, length):
        """Send one frame, through the transmit buffer in as many pieces as it needs."""
        position = -1
        data = memoryview(data)
        await self._lock.acquire()
        try:
            await self.flush()  # what a cancelled sender left
            if self._close_sent:
                if opcode >= Opcode.CLOSE:
                    return  # a pong or a second close frame: nobody waits for it any more
                raise ConnectionClosed(CloseCode.ABNORMAL, "closing")
            self._close_sent = opcode == Opcode.CLOSE
            transmit = self._transmit
            key = self._next_key()
            start = pack_header(transmit, opcode, length, key)
            position = 0
            while True:
                count = min(length - position, len(transmit) - start)
                transmit[start : start + count] = data[position : position + count]
                mask(transmit, start, count, key, position)
                self._start = 0
                self._end = start + count
                position += count
                await self.flush()
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
                count = self._socket.write(self._transmit, self._start, self._end - self._start)
            except OSError as error:
                self._lose(error)
            if not count:
                return False
            self._start += count
        return True

    async def _close(self, code, reason):
        payload = _closing().pack_close(code, reason)
        await self._send(Opcode.CLOSE, payload, len(payload))
        if self._reader is not None:
            await self._ended.wait()
        while True:
            await self.receive()

    async def _refuse(self, error):
        """Tell the peer what it did wrong, wait for it to hang up, drop the connection."""
        closing = _closing()
        payload = closing.pack_close(error.code, error.reason)
        await self._send(Opcode.CLOSE, payload, len(payload))
        await closing.wait_for_end(self._stream.s)
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
