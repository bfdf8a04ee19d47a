"""A chip's boot loader on a pseudo-terminal, as far as the real esptool needs it.

Protocol: docs.espressif.com/projects/esptool, "Serial Protocol".
"""

import contextlib
import hashlib
import os
import struct
import threading
import tty
import zlib

SYNC, READ_REG, SECURITY_INFO = 0x08, 0x0A, 0x14
MEM_END = 0x06
ERASE_FLASH, DEFLATE_BEGIN, DEFLATE_DATA, FLASH_MD5 = 0xD0, 0x10, 0x11, 0x13
MAGIC_REG = 0x40001000
ESP32_MAGIC = 0x00F01D83
ROM_VALUE = 0x20120707  # what a ROM answers to SYNC; a stub answers 0
END, ESC = b"\xc0", b"\xdb"


class RomLoader:
    """Use as a context manager; `port` is the serial port. `magic` tells which chip it is, or for
    newer chips `chip_id`. `erased` counts, `written` maps an address to what was written there.
    `unplug` pulls the cable when an image begins to come."""

    def __init__(self, magic=ESP32_MAGIC, chip_id=None, unplug=False):
        self._unplug = unplug
        self.erased = 0
        self.written = {}
        self._address, self._inflate = 0, zlib.decompressobj()
        self._magic, self._chip_id = magic, chip_id
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._close()

    def _close(self):
        for descriptor in (self._slave, self._master):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _serve(self):
        received = b""
        while True:
            try:
                received += os.read(self._master, 4096)
                *packets, received = received.split(END)
                for packet in packets:
                    if packet:
                        self._answer(packet.replace(ESC + b"\xdc", END).replace(ESC + b"\xdd", ESC))
            except OSError:
                return

    def _answer(self, packet):
        if len(packet) < 8 or packet[0] != 0:
            return
        operation, body = packet[1], packet[8:]
        if operation == SYNC:
            for _ in range(8):
                self._send(operation, ROM_VALUE)
        elif operation == READ_REG:
            register = struct.unpack("<I", body[:4])[0]
            self._send(operation, self._magic if register == MAGIC_REG else 0)
        elif operation == SECURITY_INFO and self._chip_id is None:
            self._send(operation, 0, b"\x01\x05\x00\x00")  # "invalid command"
        elif operation == SECURITY_INFO:
            information = struct.pack("<IB7sII", 0, 0, bytes(7), self._chip_id, 0)
            self._send(operation, 0, information + bytes(4))
        elif operation == FLASH_MD5:
            address, size = struct.unpack("<II", body[:8])
            content = self.written.get(address, b"")[:size]
            self._send(operation, 0, hashlib.md5(content).digest() + bytes(2))
        else:
            self._note(operation, body)
            self._send(operation, 0)
            if operation == MEM_END:
                self._write(b"OHAI")  # the stub, which esptool has just loaded, is running

    def _note(self, operation, body):
        if operation == ERASE_FLASH:
            self.erased += 1
        elif operation == DEFLATE_BEGIN and self._unplug:
            self._close()
        elif operation == DEFLATE_BEGIN:
            self._address, self._inflate = (
                struct.unpack("<12xI", body[:16])[0],
                zlib.decompressobj(),
            )
            self.written[self._address] = b""
        elif operation == DEFLATE_DATA:
            self.written[self._address] += self._inflate.decompress(body[16:])

    def _send(self, operation, value, data=bytes(4)):
        self._write(struct.pack("<BBHI", 1, operation, len(data), value) + data)

    def _write(self, packet):
        escaped = packet.replace(ESC, ESC + b"\xdd").replace(END, ESC + b"\xdc")
        os.write(self._master, END + escaped + END)
