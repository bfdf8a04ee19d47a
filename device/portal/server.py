"""The sockets of the portal: one for the page, one for names. What is said comes from elsewhere."""

import asyncio
import gc
import socket

from device.log import log
from device.portal import dns, http

MOST_CONNECTIONS = 4  # a socket takes 4 to 7 KB of lwIP's memory
TIMEOUT_S = 15  # for a whole request and its answer
NAMES_POLL_MS = 50
SEND_BYTES = 512  # at least, as long as there is more: small packets wait for each other


class Server:
    """Serves on `address` until closed. `respond` turns an http.Request into an answer.

    An answer is (status, location or None, iterable of pieces of HTML).
    """

    def __init__(self, address, respond):
        self._address = address
        self._respond = respond
        self._open = []  # tasks, each with a connection, oldest first
        self._listener = None
        self._names = None

    async def start(self):
        """Listen; raises OSError."""
        # On the access point's address alone: the home network, which the toy visits to try the
        # settings, has no business here.
        self._listener = await asyncio.start_server(self._serve, self._address, http.PORT)
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(socket.getaddrinfo(self._address, dns.PORT)[0][-1])
        names.setblocking(False)
        self._names = asyncio.create_task(self._answer_names(names))

    def close(self):
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
        if self._names is not None:
            self._names.cancel()

    async def _answer_names(self, names):
        own = bytes(int(part) for part in self._address.split("."))
        try:
            while True:
                await asyncio.sleep_ms(NAMES_POLL_MS)
                try:
                    while True:
                        query, peer = names.recvfrom(dns.MOST_BYTES)
                        answer = dns.answer(query, own)
                        if answer is not None:
                            names.sendto(answer, peer)
                        await asyncio.sleep_ms(0)
                except OSError:
                    pass  # nothing there (EAGAIN), no memory, a phone that went away
        finally:
            names.close()

    async def _serve(self, stream, _):
        # Browsers open connections in advance and say nothing on them: the oldest makes room.
        if len(self._open) >= MOST_CONNECTIONS:
            self._open.pop(0).cancel()
        task = asyncio.current_task()
        self._open.append(task)
        try:
            await asyncio.wait_for(self._answer(stream), TIMEOUT_S)
        except (OSError, asyncio.TimeoutError):
            pass  # the phone went away, or sleeps: it will ask again
        except Exception as error:  # the others are still to be served
            gc.collect()
            log("portal", "a request failed", error=type(error).__name__)
        finally:
            if task in self._open:
                self._open.remove(task)
            await stream.wait_closed()  # close() does nothing

    async def _answer(self, stream):
        try:
            request = await http.read_request(stream)
            if request is None:
                return
            status, location, pieces = self._respond(request)
        except http.HttpError as error:
            request = None
            status, location, pieces = error.status, None, (str(error),)
        answer = http.response_head(status, location)
        try:
            if request is None or request.method != "HEAD":
                for piece in pieces:
                    answer += piece.encode()
                    if len(answer) >= SEND_BYTES:
                        await _send(stream, answer)
                        answer = b""
            await _send(stream, answer)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:  # the file behind the page, when the phone is gone
                close()


async def _send(stream, data):
    # Not stream.write(), which tries at once and fails with an error where it should wait.
    stream.out_buf = data
    await stream.drain()
