"""What the WebAssembly build of MicroPython lacks and the firmware needs, as small as can be.

The simulated board of the virtual toy supplies the chip; this supplies the rest: sockets that lead
to a scripted relay, asyncio's streams, TLS, SHA-1. All of it is imported before the measuring
begins, so that none of it is counted as the firmware's.
"""

import asyncio
import binascii
import hashlib
import os
import sys

POLL_MS = 5
READABLE = 1
WRITABLE = 4
STREAM_POLL = 3  # the request of ioctl()


class Stream:
    """asyncio's Stream, as far as the firmware uses it."""

    def __init__(self, s, e=None):
        self.s = s
        self.e = e
        self.out_buf = b""

    async def readinto(self, buffer):
        """Wait until there is something, and read it."""
        while not self.s.ioctl(STREAM_POLL, READABLE):
            await asyncio.sleep_ms(POLL_MS)
        return self.s.readinto(buffer)

    async def drain(self):
        """Write all of `out_buf`."""
        while self.out_buf:
            while not self.s.ioctl(STREAM_POLL, WRITABLE):
                await asyncio.sleep_ms(POLL_MS)
            self.out_buf = self.out_buf[self.s.write(self.out_buf) or 0 :]


class Digest:
    """A hash that costs memory and computes nothing; both ends of the handshake use it."""

    def __init__(self, data=b""):
        self._size = 20

    def digest(self):
        """Return 20 bytes."""
        return bytes(self._size)


class Hashes:
    """Stands for the module hashlib."""

    sha1 = Digest
    sha256 = hashlib.sha256


class Context:
    """Stands for ssl.SSLContext: the socket stays as it is."""

    def __init__(self, protocol):
        self.verify_mode = 0

    def load_verify_locations(self, cadata):
        """Keep nothing: mbedTLS parses the certificate into memory of ESP-IDF."""

    def wrap_socket(self, sock, **options):
        """Return the socket itself."""
        return sock


class Tls:
    """Stands for the module ssl."""

    SSLContext = Context
    PROTOCOL_TLS_CLIENT = 0
    CERT_REQUIRED = 2


class Machine:
    """Stands for what tools/virtual_toy/board/machine.py takes from the real `machine`."""

    idle = mem8 = mem16 = mem32 = None


class Dma:
    """Stands for the microphone's sound, which is viper and cannot be loaded here."""

    @staticmethod
    def hear(buffer, frames, i2s):
        """Leave silence."""


class Sockets:
    """Stands for the module socket. `relay` is set by heap_probe."""

    SOCK_STREAM = 1
    relay = None

    @staticmethod
    def getaddrinfo(host, port, *hints):
        """Return the one way there is."""
        return [(2, 1, 0, "", (host, port))]

    @staticmethod
    def socket(*arguments):
        """Return a connection to the scripted relay."""
        return Sockets.relay()


def random_bytes(count):
    """Return bytes that are not random at all."""
    return bytes(range(7, 7 + count)) if count < 200 else bytes(count)


def decode_base64(text, decode=binascii.a2b_base64):
    """Decode also what is not bytes, as the C module does."""
    return decode(text.encode() if isinstance(text, str) else text)


binascii.a2b_base64 = decode_base64
asyncio.StreamReader = asyncio.StreamWriter = Stream
os.urandom = random_bytes
os.getenv = lambda name, default=None: default
for name, stand_in in (
    ("hashlib", Hashes),
    ("ssl", Tls),
    ("umachine", Machine),
    ("socket", Sockets),
    ("_dma", Dma),
):
    sys.modules[name] = stand_in
