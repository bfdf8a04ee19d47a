"""A flash memory in RAM whose power can be cut in the middle of any write."""

import os

import vfs

FOLDER = "/flash"


class Memory:
    """What outlives a power cut: the bytes."""

    def __init__(self, kind, blocks, block_bytes):
        self.kind = kind
        self.block_bytes = block_bytes
        self.data = bytearray(b"\xff" * (blocks * block_bytes))
        kind.mkfs(Disk(self))


def littlefs(blocks=96):
    """The file system of an ESP32's flash: 4 KB blocks."""
    return Memory(vfs.VfsLfs2, blocks, 4096)


def fat(blocks=700):
    return Memory(vfs.VfsFat, blocks, 512)


class Disk:
    """One powered life of a Memory: at the write number `cut_at` (from 0) the power goes.

    `torn` of that write's bytes, from 0 to 1, still get there. What happens after that, which on a
    toy would be nothing, is forgotten on leaving; `on_cut()` is called in the last moment.
    """

    def __init__(self, memory, cut_at=None, torn=0, on_cut=None):
        self._memory = memory
        self._cut_at = cut_at
        self._torn = torn
        self._on_cut = on_cut
        self._outlived = None
        self.writes = 0

    @property
    def cut(self):
        """Whether the power has gone."""
        return self._outlived is not None

    def readblocks(self, block, buffer, offset=0):
        start = block * self._memory.block_bytes + offset
        buffer[:] = self._memory.data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._put(block * self._memory.block_bytes + offset, buffer)

    def ioctl(self, operation, argument):
        memory = self._memory
        if operation == 4:
            return len(memory.data) // memory.block_bytes
        if operation == 5:
            return memory.block_bytes
        if operation == 6:  # erase
            self._put(argument * memory.block_bytes, b"\xff" * memory.block_bytes)
        return 0

    def _put(self, start, data):
        if self.writes == self._cut_at:
            self._outlived = bytearray(self._memory.data)
            size = int(len(data) * self._torn)
            self._outlived[start : start + size] = memoryview(data)[:size]
            if self._on_cut:
                self._on_cut()
        self.writes += 1
        self._memory.data[start : start + len(data)] = data

    def __enter__(self):
        vfs.mount(self._memory.kind(self), FOLDER)
        os.chdir(FOLDER)
        return self

    def __exit__(self, kind, error, trace):
        os.chdir("/")
        vfs.umount(FOLDER)
        if self._outlived is not None:
            self._memory.data = self._outlived
