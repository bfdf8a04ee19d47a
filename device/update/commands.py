"""The commands by which the relay hands over an update; docs/protocol.md, "Update", has the order.

Everything here is loaded for an update and leaves the memory when it is over or given up.
"""

import asyncio
import binascii
import sys
import time

from device import slots
from device.audio.earcon import Line
from device.commands import CommandError
from device.health import FIRMWARE
from device.states import State
from device.unload import unload
from device.update.authentic import update_key
from device.update.receiver import Receiver, Refused

MOST_DATA = 1800  # base64 letters of a piece
IDLE_MS = 60000  # without a piece, the relay has gone or given up
LOOK_MS = 500
MODULES = ("authentic", "commands", "manifest", "receiver")


class Current:
    """The update that is being received."""

    receiver = None
    touched_ms = None
    watcher = None  # the task


async def begin(toy, args):
    """Start or resume: `mac` in hex and `size` in bytes of the manifest. Return what is wanted."""
    size = args.get("size")
    if type(size) is not int:
        raise CommandError("size must be a number of bytes")
    if slots.on_trial():
        raise CommandError("busy")  # the last update has not been found good yet
    try:
        mac = binascii.unhexlify(args.get("mac"))
        key = update_key(toy.settings.token)
    except (TypeError, ValueError):
        raise CommandError("mac must be hex, and the toy must have a token with a secret half")
    receiver = Receiver(slots.free(), key, FIRMWARE, sys.implementation._mpy)
    if Current.receiver is None:
        Current.watcher = asyncio.create_task(_watch(toy))
    Current.receiver = receiver
    return await _work(toy, receiver, receiver.begin(mac, size))


async def write(toy, args):
    """Take `data`, base64, of `file` at `offset`. Return what is wanted next."""
    receiver = _receiver()
    data, offset = args.get("data"), args.get("offset")
    if not isinstance(data, str) or len(data) > MOST_DATA or type(offset) is not int:
        raise CommandError("data or offset cannot be")
    try:
        data = binascii.a2b_base64(data)
    except ValueError:
        raise CommandError("data is not base64")
    return await _work(toy, receiver, receiver.write(args.get("file"), offset, data))


async def apply(toy, _args):
    """Check all of it once more, have it tried at the next start, and start. Return its version."""
    receiver = _receiver()
    await _work(toy, receiver, _check_and_note(receiver))
    toy.restart_soon()
    return receiver.version


async def _check_and_note(receiver):
    await receiver.check()
    slots.start_next(slots.free(), receiver.version)


def _receiver():
    if Current.receiver is None:
        raise CommandError("no update has been begun")
    return Current.receiver


async def _work(toy, receiver, work):
    """Do the work and return what is wanted; what goes wrong ends the update, in plain words."""
    Current.touched_ms = time.ticks_ms()
    toy.stir()
    try:
        await work
    except Refused as error:
        Current.receiver = None
        raise CommandError(str(error))
    except OSError as error:
        Current.receiver = None
        raise CommandError("the toy's flash cannot be written (%s)" % error)
    path, offset = receiver.wanted
    return {"file": path, "offset": offset}


async def _watch(toy):
    """Show the update with the light, and forget it when it has come to an end."""
    toy.updating = True
    toy.speaker.say(Line.UPDATING)
    await asyncio.sleep_ms(LOOK_MS)
    while Current.receiver is not None and toy.state != State.OFFLINE:
        if time.ticks_diff(time.ticks_ms(), Current.touched_ms) > IDLE_MS:
            break
        await asyncio.sleep_ms(LOOK_MS)
    Current.receiver = None
    toy.updating = False
    unload("device.slots", *("device.update." + name for name in MODULES))
    unload("device.update")
