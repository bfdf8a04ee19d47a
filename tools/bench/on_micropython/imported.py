"""Tells what the firmware's modules take of the heap; runs on MicroPython.

micropython imported.py BOARD_FOLDER FLASH ORDER.json

FLASH is a folder of .mpy files, or a ROMFS image of them, which stands for memory-mapped flash.
Prints bytes.
"""

import asyncio
import gc
import json
import sys

board, flash, order = sys.argv[1:4]
with open(order) as file:
    names = json.load(file)
sys.path[:] = [board, ".frozen"]

# What is in the ESP32's own image is loaded before the counting begins.
import binascii  # noqa: E402
import hashlib  # noqa: E402
import socket  # noqa: E402
import ssl  # noqa: E402

import esp32  # noqa: E402
import machine  # noqa: E402
import neopixel  # noqa: E402
import network  # noqa: E402

loaded = [asyncio.Event, asyncio.Lock, asyncio.wait_for, asyncio.StreamReader]
loaded += [binascii, hashlib, socket, ssl, esp32, machine, neopixel, network]
if flash.endswith(".romfs"):
    import vfs

    with open(flash, "rb") as file:
        image = file.read()
    vfs.mount(vfs.VfsRom(image), "/rom")
    flash = "/rom"
sys.path.insert(0, flash)
gc.collect()
before = gc.mem_alloc()
for name in names:
    __import__(name)
gc.collect()
print(gc.mem_alloc() - before)
