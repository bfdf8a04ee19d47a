"""Which tokens the model's key-value cache holds, and for whom: the bookkeeping, without a model.

The cache has a fixed number of cells, one for each token, and sequences of tokens that may share
cells: what two conversations begin with in common is read once. A sequence that nobody works on is
kept, so that its conversation goes on from there, until the room is needed.
"""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

SHORT_TAIL = 16
"""A sequence that differs from a prompt in no more than its last tokens is not worth keeping."""

FRESH_S = 20.0
"""What was read for a child who speaks now is kept so long, whatever others have read since: to
read it again when the question is over would cost 2 ms a token, and a talk has 200 and more."""


class CacheMemory(Protocol):
    """The cells themselves."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the empty sequence `target` share the first `length` tokens of `source`."""

    def remove(self, sequence: int, start: int) -> bool:
        """Forget the tokens of a sequence from `start` on; False if only all can be forgotten."""


@dataclass(eq=False)
class CachedSequence:
    """One sequence; change it only through its `KvCache`."""

    number: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)  # one identity for each token
    reserved: int = 0  # tokens that are still to come
    busy: bool = True
    used: int = 0  # when, in uses of the cache
    used_at: float = 0.0  # the same in seconds of the cache's clock


class KvCache:
    """Gives out sequences, and keeps in mind what they hold.

    `idle` bounds the cells of sequences that nobody works on, and that are no longer fresh: every
    cell in use makes every token of everybody a little slower. With `whole_only` (recurrent models)
    a sequence can be shared only as a whole.
    """

    def __init__(
        self,
        memory: CacheMemory,
        *,
        sequences: int,
        cells: int,
        idle: int,
        whole_only: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._free = list(range(sequences))
        self._cells = cells
        self._idle = idle
        self._whole_only = whole_only
        self._clock = clock
        self.held: list[CachedSequence] = []  # all that are given out or kept
        self._identities = itertools.count()
        self._uses = itertools.count(1)

    def covers(self, tokens: Sequence[int]) -> bool:
        """Tell whether all of `tokens` has been read already; if so, that counts as a use of it."""
        for sequence in self.held:
            if self._shared(sequence, tokens) == len(tokens):
                self._touch(sequence)
                return True
        return False

    def open(self, tokens: Sequence[int], room: int) -> CachedSequence | None:
        """Return a sequence that holds as much of the beginning of `tokens` as is known already.

        Cells are set aside for the rest of them and for `room` more. None if there are none now.
        """
        source = max(self.held, key=lambda each: self._shared(each, tokens), default=None)
        shared = self._shared(source, tokens) if source else 0
        if source is None or shared == 0:
            source, shared = None, 0
        takes_over = source is not None and self._takes_over(source, shared)
        needed = len(tokens) - shared + room
        while needed > self._cells_left() or not (self._free or takes_over):
            if not self._evict(but=source):
                return None
        if source is not None and takes_over:
            sequence, sequence.busy = source, True
            shared = self._cut(sequence, shared)
        else:
            sequence = CachedSequence(self._free.pop())
            if source is not None:
                self._memory.copy(source.number, sequence.number, shared)
                sequence.tokens, sequence.cells = source.tokens[:shared], source.cells[:shared]
            self.held.append(sequence)
        sequence.reserved = len(tokens) - shared + room
        self._touch(sequence)
        return sequence

    def extend(self, sequence: CachedSequence, tokens: Sequence[int]) -> None:
        """Note that the model has read more tokens of a sequence."""
        sequence.tokens.extend(tokens)
        sequence.cells.extend(itertools.islice(self._identities, len(tokens)))
        sequence.reserved -= len(tokens)

    def release(self, sequence: CachedSequence) -> None:
        """Nobody works on the sequence any longer; it is kept while there is room."""
        sequence.busy, sequence.reserved = False, 0
        self._touch(sequence)
        stale = self._clock() - FRESH_S
        while self._idle_cells() > self._idle and self._evict(but=None, unused_since=stale):
            pass

    def drop(self, sequence: CachedSequence) -> None:
        """Forget a sequence, as after a failure."""
        self._memory.remove(sequence.number, 0)
        self.held.remove(sequence)
        self._free.append(sequence.number)

    def forget_idle(self) -> bool:
        """Forget all that nobody works on; False if there was nothing."""
        return any([self._evict(but=None) for _ in range(len(self.held))])

    def _shared(self, sequence: CachedSequence, tokens: Sequence[int]) -> int:
        length = shared_length(sequence.tokens, tokens)
        return 0 if self._whole_only and length < len(sequence.tokens) else length

    def _takes_over(self, sequence: CachedSequence, shared: int) -> bool:
        # One that is wholly the beginning of a prompt may be the beginning of others, too.
        return not sequence.busy and 0 < len(sequence.tokens) - shared <= SHORT_TAIL

    def _cut(self, sequence: CachedSequence, length: int) -> int:
        if not self._memory.remove(sequence.number, length):
            self._memory.remove(sequence.number, 0)
            length = 0
        del sequence.tokens[length:], sequence.cells[length:]
        return length

    def _cells_left(self) -> int:
        used = set(itertools.chain.from_iterable(each.cells for each in self.held))
        return self._cells - len(used) - sum(each.reserved for each in self.held)

    def _idle_cells(self) -> int:
        busy: set[int] = set()
        idle: set[int] = set()
        for each in self.held:
            (busy if each.busy else idle).update(each.cells)
        return len(idle - busy)

    def _evict(self, *, but: CachedSequence | None, unused_since: float = math.inf) -> bool:
        idle = [
            each
            for each in self.held
            if not each.busy and each is not but and each.used_at <= unused_since
        ]
        if not idle:
            return False
        self.drop(min(idle, key=lambda each: each.used))
        return True

    def _touch(self, sequence: CachedSequence) -> None:
        """Count a use, of this sequence and of those that it begins with."""
        now, at = next(self._uses), self._clock()
        for each in self.held:
            if sequence.tokens[: len(each.tokens)] == each.tokens:
                each.used, each.used_at = now, at


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens the two begin with in common."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
