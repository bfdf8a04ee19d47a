"""Runs on the board, with main.py stopped: what is free once the firmware is loaded, radio on.

Prints one line of JSON, in bytes: heap_free and heap_used of MicroPython, heap_largest its largest
free block, idf_free and idf_largest what ESP-IDF has left for Wi-Fi and TLS.
"""

import gc
import json

import esp32
import network

network.WLAN(network.STA_IF).active(True)
import device.toy  # noqa: F401 - the firmware's whole conversation

gc.collect()


def largest():
    """Return the largest block that can still be had, found by halving."""
    low, high = 0, gc.mem_free()
    while high - low > 256:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
        gc.collect()
    return low


regions = esp32.idf_heap_info(esp32.HEAP_DATA)
found = {
    "heap_free": gc.mem_free(),
    "heap_used": gc.mem_alloc(),
    "idf_free": sum(region[1] for region in regions),
    "idf_largest": max(region[2] for region in regions),
}
# Last: on the ESP32 the heap grows to make room for what is tried here.
found["heap_largest"] = largest()
print(json.dumps(found))
