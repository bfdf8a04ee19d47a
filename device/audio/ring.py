"""A ring of sound frames that never allocates once it has been made.

Sound travels through the toy in frames of 20 ms. Each slot of the ring is a memoryview made at the
start, so a frame is filled where it will be read from, nothing wraps in the middle, and nothing is
left for the garbage collector. One writer and one reader, in one thread.
"""


class FrameRing:
    """`slots` frames of `frame_bytes` bytes each (an even number), first in, first out."""

    def __init__(self, slots, frame_bytes):
        storage = memoryview(bytearray(slots * frame_bytes))
        self._views = [
            storage[slot * frame_bytes : (slot + 1) * frame_bytes] for slot in range(slots)
        ]
        self._slots = slots
        self._first = 0
        self._count = 0

    def __len__(self):
        return self._count

    @property
    def slots(self):
        """How many frames fit."""
        return self._slots

    def free_slot(self):
        """Return the view to fill next, or None when the ring is full; `commit` makes it count."""
        if self._count == self._slots:
            return None
        return self._views[(self._first + self._count) % self._slots]

    def commit(self):
        """Let the frame that was written into `free_slot()` be read."""
        if self._count == self._slots:
            raise IndexError("the ring is full")
        self._count += 1

    def front(self):
        """Return the view of the oldest frame, or None when there is none; `pop` frees its slot."""
        if self._count == 0:
            return None
        return self._views[self._first]

    def pop(self):
        """Free the slot of the oldest frame."""
        if self._count == 0:
            raise IndexError("the ring is empty")
        self._first = (self._first + 1) % self._slots
        self._count -= 1

    def clear(self):
        """Forget every frame."""
        self._first = 0
        self._count = 0
