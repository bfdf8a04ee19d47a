"""Receives an update's files into a slot, and goes on where it was after any interruption.

All that counts is on the flash: the manifest, which is there under its name only once its signature
has been checked, and the files, each of which is read back and compared with the manifest. So power
may go at any moment; what is found damaged is simply asked for again.
"""

import asyncio
import hashlib
import os

from device.update import manifest
from device.update.authentic import Hmac, same

MANIFEST = "manifest"
UNCHECKED = "manifest.new"
READ_BYTES = 512
MOST_DAMAGED = 5  # files that arrive broken, before something is thought to be wrong for good
SPARE_BLOCKS = 16  # of the file system, for the folders, slot.json and the settings


class Refused(Exception):
    """The update cannot be taken; the message says why in plain words."""


class Receiver:
    """Writes into the folder `slot`. `running` and `mpy` are the toy's version and code format."""

    def __init__(self, slot, key, running, mpy):
        self._slot = slot
        self._key = key
        self._running = running
        self._mpy = mpy
        self._mac = None
        self._position = None  # in the manifest, of the first file that is not known to be good
        self._damaged = 0
        self._path = None  # of the file that is wanted now
        self._offset = self._size = 0
        self.version = None

    @property
    def wanted(self):
        """What to send next: (path, offset in bytes); path None when everything is there."""
        return self._path, self._offset

    async def begin(self, mac, size):
        """Ready the slot for the update whose manifest has `size` bytes and this HMAC-SHA-256.

        What is there of the same update stays. Raises Refused; OSError where the flash fails.
        """
        if not 0 < size <= manifest.MOST_BYTES or len(mac) != 32:
            raise Refused("the update's manifest has an impossible size")
        self._mac = mac
        if self._is_signed(MANIFEST):
            await self._begin_files()
            return
        _wipe(self._slot)
        os.mkdir(self._slot)
        self._path, self._offset, self._size = UNCHECKED, 0, size

    async def write(self, path, offset, data):
        """Take a piece of a file; one that is not `wanted` is passed over. Raises Refused."""
        if path is None or (path, offset) != (self._path, self._offset):
            return
        if not 0 < len(data) <= self._size - offset:
            raise Refused("a piece of the update has an impossible size")
        self._append(path, offset, data)
        if self._offset < self._size:
            return
        if path == UNCHECKED:
            await self._take_manifest()
        else:
            await self._advance()

    async def check(self):
        """Read everything once more; Refused unless all of it is there and signed."""
        if not self._is_signed(MANIFEST):
            raise Refused("the update is not signed by this toy's home")
        await self._begin_files()
        if self._path is not None:
            raise Refused("the update is not complete")

    async def _take_manifest(self):
        if not self._is_signed(UNCHECKED):
            os.remove(self._name(UNCHECKED))
            raise Refused("the update is not signed by this toy's home")
        self._read_manifest(UNCHECKED, fresh=True)
        os.rename(self._name(UNCHECKED), self._name(MANIFEST))
        await self._begin_files()

    async def _begin_files(self):
        self._position = self._read_manifest(MANIFEST)
        await self._advance()

    def _read_manifest(self, name, fresh=False):
        """Check all of the manifest; return where its files begin. Raises Refused."""
        blocks = files = 0
        file_system = os.statvfs(self._slot)
        block_bytes = file_system[0]
        with open(self._name(name), "rb") as file:
            try:
                header = manifest.read_header(file)
                position = file.tell()
                entry = manifest.read_entry(file)
                while entry is not None:
                    files += 1
                    blocks += entry[1] // block_bytes + 1
                    entry = manifest.read_entry(file)
                problem = manifest.why_not(header, self._running, self._mpy)
            except ValueError as error:
                problem = str(error)
        if problem is None and not 0 < files <= manifest.MOST_FILES:
            problem = "the update has no files, or far too many"
        if problem is None and fresh and blocks + SPARE_BLOCKS > file_system[4]:
            problem = "the toy's flash has no room for the update"
        if problem is not None:
            raise Refused(problem)
        self.version = header.version
        return position

    async def _advance(self):
        """Go on to the next file that is not whole; what is damaged is removed."""
        self._path = None
        self._offset = 0
        while True:
            entry, behind = self._entry()
            if entry is None:
                return
            digest, size, path = entry
            have = self._have(path)
            if have >= size and (have > size or self._feed(path, hashlib.sha256()) != digest):
                os.remove(self._name(path))
                have = 0
                self._damaged += 1
                if self._damaged > MOST_DAMAGED:
                    raise Refused("the update arrives damaged again and again")
            if have < size:
                self._make_folders(path)
                self._path, self._offset, self._size = path, have, size
                return
            self._position = behind
            await asyncio.sleep_ms(0)  # the link has to stay alive meanwhile

    def _entry(self):
        """Return the manifest's entry at the position, and the position behind it."""
        with open(self._name(MANIFEST), "rb") as file:
            file.seek(self._position)
            return manifest.read_entry(file), file.tell()

    def _append(self, path, offset, data):
        with open(self._name(path), "ab" if offset else "wb") as file:
            file.write(data)
        self._offset += len(data)

    def _name(self, path):
        return self._slot + "/" + path

    def _have(self, path):
        """Return how many bytes of the file are there, 0 where there is no such file."""
        try:
            return os.stat(self._name(path))[6]
        except OSError:
            return 0

    def _make_folders(self, path):
        end = path.find("/")
        while end >= 0:
            try:
                os.mkdir(self._name(path[:end]))
            except OSError:
                pass  # there already; if not, opening the file says so
            end = path.find("/", end + 1)

    def _is_signed(self, name):
        try:
            return same(self._feed(name, Hmac(self._key)), self._mac)
        except OSError:
            return False

    def _feed(self, path, hashing):
        buffer = memoryview(bytearray(READ_BYTES))
        with open(self._name(path), "rb") as file:
            count = file.readinto(buffer)
            while count:
                hashing.update(buffer[:count])
                count = file.readinto(buffer)
        return hashing.digest()


def _wipe(path):
    """Remove a folder with all that is in it; nothing happens if there is none."""
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return
    for entry in entries:
        inside = path + "/" + entry[0]
        if entry[1] & 0x4000:  # a folder
            _wipe(inside)
        else:
            os.remove(inside)
    os.rmdir(path)
