# timeout: 150
# path: tools/virtual_toy/board
"""The power may go at any write of an update: the toy always starts a whole application.

The file systems are MicroPython's own, on a flash memory in RAM. Each test goes once through the
life of an update and counts the writes to that memory; then it does so again for each of them, with
the power cut at that write, and goes on as a toy does: boot.py, the application, the relay.
"""
# ruff: noqa: PTH102, PTH123 (MicroPython has no pathlib)

import asyncio
import os
import sys

import boot
from device import slots
from device.update.receiver import Receiver
from tests.device.check import equal
from tests.device.flash_disk import Disk, fat, littlefs
from tests.device.update_parcel import KEY, MPY, NEW, OLD, Parcel

PARCEL = Parcel()
MOST_STARTS = 6


class Life:
    """A toy with an application in its root, through power cuts, until it runs the update."""

    def __init__(self, memory, welcome=True):
        self.memory = memory
        self.welcome = welcome  # whether the new version reaches home
        self.trials = self.undone = 0
        with Disk(memory):
            os.mkdir("device")
            with open("settings.json", "w") as file:
                file.write("{}")

    def start(self, cut_at=None, torn=0):
        """Live until the power goes, or until there is nothing left to do: then return True."""
        counts = []
        with Disk(self.memory, cut_at, torn, lambda: counts.append(self._counts())) as disk:
            self._run()
        self.writes = disk.writes
        if disk.cut:
            self.trials, self.undone = counts[0]
        return not disk.cut

    def _counts(self):
        return self.trials, self.undone

    def _run(self):
        while True:
            slot, on_trial = boot.choose()
            sys.path[:] = [path for path in sys.path if path not in ("a", "b")]
            if slot:
                sys.path.insert(0, slot)
                assert PARCEL.is_in(slot), "what starts is not whole"
            if not slot:
                if slots.read().get("failed") == NEW:
                    self.undone += 1
                    if not self.welcome:
                        return
                asyncio.run(self._receive())
            elif on_trial:
                self.trials += 1
                if not self.welcome:
                    continue  # it starts again without having been kept
                slots.keep()
            else:
                return

    async def _receive(self):
        receiver = Receiver(slots.free(), KEY, OLD, MPY)
        await PARCEL.send(receiver)
        await receiver.check()
        slots.start_next(slots.free(), receiver.version)


def sweep(make_memory, torn, welcome, from_write=0):
    """Cut the power at each write of a life; return how many there were."""
    life = Life(make_memory(), welcome)
    assert life.start()
    writes = life.writes
    for cut_at in range(writes):
        life = Life(make_memory(), welcome)
        done = life.start(cut_at, torn)
        for _ in range(MOST_STARTS):
            if done:
                break
            done = life.start()
        assert done, f"it never came to an end after write {cut_at}"
        with Disk(life.memory):
            equal(slots.read()["slot"], "a" if welcome else "", f"after write {cut_at}")
        # A version that had its one start and was not kept is not started again by itself.
        assert life.trials <= life.undone + 1, f"write {cut_at}"
    return writes


def test_littlefs_a_good_update_is_installed_whatever_happens():
    assert sweep(littlefs, 0, True) > 50


def test_littlefs_with_half_a_write():
    sweep(littlefs, 0.5, True)


def test_littlefs_a_bad_update_is_undone_whatever_happens():
    sweep(littlefs, 0, False)


def test_fat_a_good_update_is_installed_whatever_happens():
    sweep(fat, 0, True)


def test_fat_a_bad_update_is_undone_whatever_happens():
    sweep(fat, 0, False)


def test_two_cuts():
    """The second one strikes while the toy recovers from the first."""
    life = Life(littlefs())
    assert life.start()
    for first in range(0, life.writes, 9):
        for second in range(0, life.writes - first, 7):
            life = Life(littlefs())
            done = life.start(first) or life.start(second)
            for _ in range(MOST_STARTS):
                done = done or life.start()
            assert done, (first, second)
