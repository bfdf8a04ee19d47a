"""Stands in for esptool: says what it would say of FAKE_ESPTOOL_CHIP, and logs its arguments."""

import os
import sys
from pathlib import Path

CHIP = os.environ.get("FAKE_ESPTOOL_CHIP", "ESP32")
with Path(os.environ["FAKE_ESPTOOL_LOG"]).open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\n")
print("esptool v5.6.0")
if CHIP == "silent":
    print("A fatal error occurred: Failed to connect to Espressif device: No serial data received.")
    sys.exit(2)
if CHIP == "unplugged":
    print("device reports readiness to read but returned no data (device disconnected?)")
    sys.exit(1)
if CHIP == "small" and "write-flash" in sys.argv:
    print("A fatal error occurred: File micropython.bin (length 1760192) at offset 4096 will not "
          "fit in 1048576 bytes of flash.")  # fmt: skip
    sys.exit(2)
name = "ESP32" if CHIP == "small" else CHIP
print(f"Connected to {name} on /dev/pretend:")
print(f"Chip type:          {name} (revision v3.1)")
