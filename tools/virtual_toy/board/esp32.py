"""A simulated `esp32`: non-volatile storage in a file, memory figures, what ends a deep sleep."""

import binascii
import json

import _host

HEAP_EXEC = 1
HEAP_DATA = 4
WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True

LONGEST_NAME = 15
NOT_FOUND = (-0x1102, "ESP_ERR_NVS_NOT_FOUND")
TYPE_MISMATCH = (-0x1103, "ESP_ERR_NVS_TYPE_MISMATCH")
KEY_TOO_LONG = (-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
INVALID_LENGTH = (-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")

# What a WROOM-32 has left for Wi-Fi and TLS: (total, free, largest free block, least ever free)
DATA_REGIONS = [
    (7288, 5392, 5248, 5392),
    (16648, 10940, 10752, 10940),
    (80408, 60216, 59392, 52000),
    (15072, 14968, 14848, 14968),
    (113840, 113788, 110592, 101000),
]
EXEC_REGIONS = [(80408, 60216, 59392, 52000), (15072, 14968, 14848, 14968)]


class NVS:
    """One namespace of the non-volatile storage: 32-bit integers and blobs, nothing else."""

    def __init__(self, namespace):
        self._check(namespace)
        self._namespace = namespace
        self._path = _host.world["state_folder"] + "/nvs.json"
        try:
            with open(self._path) as file:
                self._all = json.load(file)
        except (OSError, ValueError):
            self._all = {}
        self._values = self._all.setdefault(namespace, {})

    def _check(self, name):
        if len(name) > LONGEST_NAME:
            raise OSError(*KEY_TOO_LONG)

    def _get(self, key, kind):
        self._check(key)
        if key not in self._values:
            raise OSError(*NOT_FOUND)
        value = self._values[key]
        if not isinstance(value, kind):
            raise OSError(*TYPE_MISMATCH)
        return value

    def set_i32(self, key, value):
        """Keep a 32-bit integer."""
        self._check(key)
        if not -(1 << 31) <= value < 1 << 31:
            raise OverflowError("overflow converting long int to machine word")
        self._values[key] = value

    def get_i32(self, key):
        """Return an integer; OSError when there is none of that name."""
        return self._get(key, int)

    def set_blob(self, key, value):
        """Keep bytes."""
        self._check(key)
        self._values[key] = binascii.hexlify(value).decode()

    def get_blob(self, key, buffer):
        """Copy kept bytes into `buffer` and return how many; OSError when it is too small."""
        value = binascii.unhexlify(self._get(key, str))
        if len(value) > len(buffer):
            raise OSError(*INVALID_LENGTH)
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        """Forget one name; OSError when it is not there."""
        self._check(key)
        if self._values.pop(key, None) is None:
            raise OSError(*NOT_FOUND)

    def commit(self):
        """Write to flash; what was set before is lost without it."""
        # Namespaces are opened side by side: only ours is replaced.
        try:
            with open(self._path) as file:
                everything = json.load(file)
        except (OSError, ValueError):
            everything = {}
        everything[self._namespace] = self._values
        with open(self._path, "w") as file:
            json.dump(everything, file)


def idf_heap_info(capabilities):
    """Return (total, free, largest free block, least ever free) in bytes of each region."""
    return list(EXEC_REGIONS if capabilities & HEAP_EXEC else DATA_REGIONS)


def wake_on_ext0(pin=None, level=None):
    """Let a pin end the deep sleep."""
    _host.wake_pins[:] = [] if pin is None else [pin]


def gpio_deep_sleep_hold(enable):
    """Keep the digital outputs as they are in deep sleep."""


def raw_temperature():
    """Return the chip's temperature in degrees Fahrenheit."""
    return 128


def mcu_temperature():
    """Return the chip's temperature in degrees Celsius."""
    return 53
