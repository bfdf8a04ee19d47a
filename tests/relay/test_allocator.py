"""The C library's allocator, in a process of its own: what is set stays set."""

import subprocess
import sys

SCRIPT = """
import ctypes, threading, xml.etree.ElementTree as tree
from relay.allocator import share_arenas

done = share_arenas()
start, kept = threading.Barrier(9), []

def take():
    start.wait()  # all at once, so that nobody takes over an arena
    kept.append([ctypes.create_string_buffer(size) for size in range(1, 20_000, 64)])
    start.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for each in threads:
    each.start()
start.wait()
start.wait()
if done:
    libc = ctypes.CDLL(None)
    libc.tmpfile.restype = ctypes.c_void_p
    file = ctypes.c_void_p(libc.tmpfile())
    libc.malloc_info(0, file)
    libc.rewind(file)
    text = ctypes.create_string_buffer(1_000_000)
    libc.fread(text, 1, len(text) - 1, file)
    print(len(tree.fromstring(text.value).findall("heap")))
else:
    print(1)
"""


def test_all_threads_share_two_arenas():
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) <= 2
