"""The toy's firmware: every file runs unmodified on an ESP32 and on MicroPython's unix port."""
