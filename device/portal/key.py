"""The name and the key of the toy's own Wi-Fi: one key a toy, made once, kept through a reset.

The key is random, not made from the address of the radio, which everybody nearby can see. It is
never logged. A grown-up with a cable reads it with

    mpremote exec "from device.portal import key; key.show()"
"""

import os

import esp32
import machine
import network

ADDRESS = "192.168.4.1"  # what ESP-IDF gives its access points
# 32 letters and digits that are hard to mistake for each other: each stands for 5 random bits.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
KEY_LETTERS = 12  # 60 bits; WPA2 asks for at least 8 letters
_NAMESPACE = "bramble"
_NAME = "setup_key"


def toy_name():
    """Return the name of the toy's own Wi-Fi, which is its name on the network at home, too."""
    mac = machine.unique_id()
    return "bramble-%02x%02x%02x" % (mac[-3], mac[-2], mac[-1])


def make_key(random):
    """Return the key for KEY_LETTERS random bytes."""
    return "".join(LETTERS[byte % len(LETTERS)] for byte in random[:KEY_LETTERS])


def load_key():
    """Return this toy's key; the first time it is made and stored. The radio must be on.

    Only then is the chip's random number generator one (ESP-IDF, "Random Number Generation").
    """
    store = esp32.NVS(_NAMESPACE)
    buffer = bytearray(KEY_LETTERS)
    try:
        length = store.get_blob(_NAME, buffer)
        key = bytes(buffer[:length]).decode()
        if length == KEY_LETTERS and all(letter in LETTERS for letter in key):
            return key
    except (OSError, UnicodeError):
        pass  # none yet, or none of ours
    key = make_key(os.urandom(KEY_LETTERS))
    store.set_blob(_NAME, key.encode())
    store.commit()
    return key


def show():
    """Print how to join the toy's own Wi-Fi; the last line is for a maker of QR codes."""
    network.WLAN(network.STA_IF).active(True)
    name = toy_name()
    key = load_key()
    print("Wi-Fi of the toy while it is being set up: " + name)
    print("Its password: " + key)
    print("Its page: http://%s/" % ADDRESS)
    print("As a QR code: WIFI:T:WPA;S:%s;P:%s;;" % (name, key))
