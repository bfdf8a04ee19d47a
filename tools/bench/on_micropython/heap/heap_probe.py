"""Measures the firmware's heap from inside; conversation.mjs calls it step by step.

Each call comes from JavaScript, for this build collects garbage only between such calls. What it
finds it prints as one JSON object a line.
"""

import asyncio
import gc
import json
import sys

import _host
import machine
import micropython
import network
import scripted_relay
import stand_ins
import uctypes

from device import toy as toy_module
from device.app import _main
from device.boards import find_board

Relay = scripted_relay.Relay
stand_ins.Sockets.relay = Relay
# On the ESP32 these are part of the firmware's image; here they are made now, so as not to count.
_fixed = [machine.Pin(number) for number in range(49)] + [network.WLAN(network.STA_IF)]
PAW = find_board().paw
toys = []
crashes = []
tasks = []


def collect():
    """Ask for a collection; it is done when this call is over."""
    gc.collect()


def tell(name):
    """Print the bytes in use now."""
    firmware = [module for module in sys.modules if module.split(".")[0] == "device"]
    micropython.qstr_info()
    print(json.dumps({"stage": name, "bytes": gc.mem_alloc(), "modules": firmware}))


def start(fields):
    """Switch the toy on, with these settings (the text of settings.json)."""
    _host.world["wifi"]["connect_ms"] = _host.world["wifi"]["fail_ms"] = 50
    _host.world["wifi"]["scan_ms"] = 50
    _host.set_level(PAW, 1)
    with open("settings.json", "w") as file:
        file.write(fields)
    toy_class = toy_module.Toy

    def make(*arguments, **keywords):
        toys.append(toy_class(*arguments, **keywords))
        return toys[-1]

    toy_module.Toy = make
    tasks.append(asyncio.create_task(_run()))


async def _run():
    try:
        await _main()
    except Exception as error:
        sys.print_exception(error)
        crashes.append(repr(error))
    crashes.append("the firmware came to its end")


def state():
    """Return the toy's state, or what went wrong."""
    if crashes:
        return "crashed: " + crashes[0]
    return toys[0].state if toys else "starting"


def squeeze(down):
    """Press the paw, or let it go."""
    _host.set_level(PAW, 0 if down else 1)


def stall(stalled):
    """Let the network take nothing, or go on."""
    Relay.newest.stalled = bool(stalled)


def hold_handshake(hold):
    """Let the relay's answer to the handshake wait, or give it."""
    Relay.hold_handshake = bool(hold)
    if not hold:
        Relay.newest.answer()


def handshake_waits():
    """Tell whether the firmware waits for the handshake's answer."""
    return Relay.newest.asked and not Relay.newest._upgraded


def heard(kind):
    """Return how many messages of a type the relay has got on this connection."""
    return Relay.newest.heard.get(kind, 0)


def frames_heard():
    """Return how many frames of sound the relay has got on this connection."""
    return Relay.newest.frames_heard


def speak(frames):
    """Let the relay send a reply."""
    Relay.newest.speak(frames)


def lose():
    """Reset the connection."""
    Relay.newest.lost = True


def tell_buffers():
    """Print where the large buffers of the toy's objects are: path, bytes."""
    found = {}  # address -> (end, path); views of one buffer overlap
    _walk(toys[0], "toy", found, [])
    starts = sorted(found)
    buffers = {}
    end, path = 0, ""
    for start in starts:
        if start >= end:
            end, path = start, found[start][1]
            # Slots of a ring are neighbours and one buffer: named by what holds them.
            path = path.split("[")[0]
        size = max(found[start][0] - end, 0)
        end += size
        buffers[path] = buffers.get(path, 0) + size
    print(json.dumps({"buffers": buffers}))


def _walk(thing, path, found, seen):
    if isinstance(thing, (bytearray, memoryview)) or type(thing).__name__ == "array":
        view = memoryview(thing)
        size = len(view) * (2 if type(thing).__name__ == "array" else 1)
        start = uctypes.addressof(thing)
        if start not in found or found[start][0] < start + size:
            found[start] = (start + size, path)
        return
    if isinstance(thing, (int, str, bytes, float, type(None))) or id(thing) in seen:
        return
    seen.append(id(thing))
    if isinstance(thing, (list, tuple)):
        for index, item in enumerate(thing):
            _walk(item, f"{path}[{index}]", found, seen)
    elif isinstance(thing, dict):
        for name, item in thing.items():
            _walk(item, f"{path}.{name}" if isinstance(name, str) else f"{path}[]", found, seen)
    elif isinstance(thing, type):
        return
    else:
        _walk(getattr(thing, "__dict__", None), path, found, seen)
