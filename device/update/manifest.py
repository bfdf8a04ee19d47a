"""The list of an update's files, as text that a toy reads line by line. Pure; for both sides.

    bramble update 1
    version 0.2.0
    mpy 11014
    replaces 0.1.0

    <SHA-256, 64 hex digits> <bytes> device/app.mpy
    ...

`mpy` is sys.implementation._mpy of the toy it was made for. `replaces` is there when a grown-up
wants a version that is not newer: the update then fits only a toy that runs that one now, so that
an old update, sent again by somebody else, cannot bring old mistakes back.
"""

import binascii

TITLE = "bramble update 1"
MOST_BYTES = 16384
MOST_FILES = 200
MOST_FILE_BYTES = 262144
LONGEST_PATH = 80
LONGEST_LINE = 64 + 1 + 6 + 1 + LONGEST_PATH + 1
FOLDER = "device/"

_PATH_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_./"


class Header:
    """What the update is: `version` text, `mpy` number, `replaces` text or None."""

    def __init__(self, version, mpy, replaces=None):
        self.version = version
        self.mpy = mpy
        self.replaces = replaces


def read_header(file):
    """Read the lines before the files from a binary `file`; ValueError if they are none."""
    if _line(file) != TITLE:
        raise ValueError("not an update that this toy understands")
    fields = {}
    while True:
        line = _line(file)
        if not line:
            break
        name, _, value = line.partition(" ")
        if name in fields or name not in ("version", "mpy", "replaces"):
            raise ValueError("not an update that this toy understands")
        fields[name] = value
    if not _is_number(fields.get("mpy", "")):
        raise ValueError("the update does not say for which toy it is")
    version_of(fields.get("version", ""))
    return Header(fields["version"], int(fields["mpy"]), fields.get("replaces"))


def read_entry(file):
    """Read one file's line from a binary `file`; return (SHA-256, bytes, path), None at the end."""
    line = _line(file)
    if not line:
        return None
    parts = line.split(" ")
    if len(parts) != 3 or len(parts[0]) != 64 or not _is_number(parts[1]):
        raise ValueError("the list of files is broken")
    digest, size, path = binascii.unhexlify(parts[0]), int(parts[1]), parts[2]
    if not 0 < size <= MOST_FILE_BYTES or not is_path(path):
        raise ValueError("the list of files holds one that cannot be")
    return digest, size, path


def is_path(path):
    """Tell whether `path` may be written: below device/, plain names, no way out."""
    return (
        path.startswith(FOLDER)
        and len(path) <= LONGEST_PATH
        and all(letter in _PATH_LETTERS for letter in path)
        and all(part and not part.startswith(".") for part in path.split("/"))
    )


def version_of(text):
    """Return a version like "0.2.0" as three numbers to compare; ValueError if it is none."""
    parts = text.split(".")
    if len(parts) != 3 or not all(_is_number(part) for part in parts):
        raise ValueError("%r is not a version like 0.2.0" % text[:20])
    return tuple(int(part) for part in parts)


def why_not(header, running, mpy):
    """Return in plain words why a toy that runs version `running` must not take it, or None."""
    if header.mpy != mpy:
        return "the update is made for another kind of toy"
    if header.replaces is not None:
        return (
            None if header.replaces == running else "the update is for a toy with another version"
        )
    if header.version == running:
        return "version %s is running already" % running
    if version_of(header.version) < version_of(running):
        return "version %s is older than the %s that is running" % (header.version, running)
    return None


def _is_number(text):
    return 0 < len(text) <= 6 and all("0" <= letter <= "9" for letter in text)


def _line(file):
    """Read a line without its end; ValueError if it is too long, or not ASCII."""
    line = file.readline(LONGEST_LINE + 1)
    if line and line[-1:] != b"\n":
        raise ValueError("the update's list ends in the middle of a line")
    return line[:-1].decode("ascii")
