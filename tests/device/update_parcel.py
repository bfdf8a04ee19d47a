"""An update as the relay would send it, and the relay's side of the transfer."""
# ruff: noqa: PTH123 (MicroPython has no pathlib)

import binascii
import hashlib
import os

from device.update.authentic import Hmac, update_key

TOKEN = "0a1b2c3d.a-secret-that-is-long-enough"
KEY = update_key(TOKEN)
MPY = 11014
OLD = "0.1.0"
NEW = "0.2.0"
FILES = {
    "device/__init__.mpy": b"M\x06\x00\x1f",
    "device/app.mpy": bytes(range(256)) * 5,
    "device/audio/__init__.mpy": b"M\x06\x00\x1f!",
    "device/audio/dsp.mpy": b"viper" * 300,
    "device/sounds/away.adpcm": bytes(2500),
}


class Parcel:
    """`manifest`, `mac` and `files` of one update."""

    def __init__(self, files=FILES, version=NEW, mpy=MPY, replaces=None, key=KEY, manifest=None):
        self.files = dict(files)
        head = f"bramble update 1\nversion {version}\nmpy {mpy}\n"
        if replaces:
            head += f"replaces {replaces}\n"
        lines = [f"{hex_digest(data)} {len(data)} {path}\n" for path, data in sorted(files.items())]
        self.manifest = manifest or (head + "\n" + "".join(lines)).encode()
        hmac = Hmac(key)
        hmac.update(self.manifest)
        self.mac = hmac.digest()

    def read(self, path, offset, size):
        data = self.manifest if path == "manifest.new" else self.files[path]
        return data[offset : offset + size]

    async def send(self, receiver, piece_bytes=512, most_pieces=None):
        """Hand over what the receiver wants, until it has everything; return how many pieces."""
        await receiver.begin(self.mac, len(self.manifest))
        pieces = 0
        while receiver.wanted[0] is not None and pieces != most_pieces:
            path, offset = receiver.wanted
            await receiver.write(path, offset, self.read(path, offset, piece_bytes))
            pieces += 1
        return pieces

    def is_in(self, slot):
        """Tell whether all of it, and nothing else, is in a slot."""
        return tree(slot + "/device") == {slot + "/" + path for path in self.files} and all(
            open(slot + "/" + path, "rb").read() == data for path, data in self.files.items()
        )


def hex_digest(data):
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()


def tree(folder):
    """Return the paths of all files below `folder`."""
    found = set()
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            found |= tree(path)
        else:
            found.add(path)
    return found
