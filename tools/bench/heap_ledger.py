"""The book-keeping of the heap bench: from what the probe printed to what the toy would need.

Pure. One thing is not taken as measured: the tables of interned names. MicroPython keeps them in
pools, each twice as large as the one before (py/qstr.c), so a pool may come with any module, and
the names of the simulated board fill them as well. Measured are the names' own bytes; the pools are
reckoned for the number of names that are the firmware's.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

# MICROPY_ALLOC_QSTR_ENTRIES_INIT: the first pool in RAM has twice as many entries.
FIRST_POOL = 20
ENTRY_BYTES = 4 + 2 + 1  # pointer, hash, length
POOL_BYTES = 16 + 4
HARNESS = ("stand_ins", "board", "scripted_relay", "heap_probe")
_NAMES = re.compile(r"n_qstr=(\d+), n_str_data_bytes=(\d+), n_total_bytes=(\d+)")


@dataclass(frozen=True)
class Loaded:
    """What loading something took: bytes without name pools, and how many new names."""

    name: str
    heap_bytes: int
    names: int


@dataclass(frozen=True)
class Stage:
    """A moment of the conversation: the firmware's bytes in use, and its modules in memory."""

    name: str
    heap_bytes: int
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Ledger:
    """All that was measured. `buffers` maps where a buffer hangs to its bytes."""

    loaded: tuple[Loaded, ...]
    stages: tuple[Stage, ...]
    buffers: dict[str, int]
    names: int  # interned at the end, of the firmware

    @property
    def worst(self) -> Stage:
        """The stage with the most bytes in use; the toy has not begun yet in the first one."""
        return max(self.stages[1:] or self.stages, key=lambda stage: stage.heap_bytes)


def pools(names: int) -> int:
    """Return the bytes of the pools that hold so many interned names."""
    size, room, total = FIRST_POOL, 0, 0
    while room < names:
        total += POOL_BYTES + size * ENTRY_BYTES
        room += size
        size *= 2
    return total


def read(lines: Iterable[str]) -> Ledger:
    """Read what the conversation printed: lines of JSON, each after a line about the names."""
    loaded: list[Loaded] = []
    stages: list[Stage] = []
    buffers: dict[str, int] = {}
    names = data = total = 0
    names_before = pool_before = 0
    harness_bytes = harness_names = 0
    for line in lines:
        if match := _NAMES.search(line):
            names, data, total = (int(number) for number in match.groups())
        elif line.startswith('{"loaded"'):
            entry = json.loads(line)
            taken = int(entry["bytes"]) - (total - data - pool_before)
            new_names = names - names_before
            names_before, pool_before = names, total - data
            if entry["loaded"] in HARNESS:
                harness_bytes += taken
                harness_names += new_names
            else:
                loaded.append(Loaded(entry["loaded"], taken, new_names))
        elif line.startswith("{"):
            entry = json.loads(line)
            if "buffers" in entry:
                buffers = {path: int(size) for path, size in entry["buffers"].items()}
            elif "stage" in entry:
                own = int(entry["bytes"]) - (total - data) - harness_bytes
                own += pools(names - harness_names)
                stages.append(Stage(entry["stage"], own, tuple(sorted(entry["modules"]))))
    return Ledger(tuple(loaded), tuple(stages), buffers, names - harness_names)
