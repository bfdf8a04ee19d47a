"""A simulated `machine` for the firmware: pins, watchdog, clock memory, resets; I2S is in `_i2s`.

Signatures follow MicroPython's ESP32 port. Where the board is unpleasant, so is this: switches
bounce, unconnected inputs float, a watchdog that is not fed really ends the program.
"""

import struct

import _host
import _wire
import micropython
import utime
from _adc import ADC  # noqa: F401
from _i2s import I2S  # noqa: F401
from umachine import idle, mem8, mem16, mem32  # noqa: F401

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
PIN_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4

ONLY_INPUTS = range(34, 40)  # of the classic ESP32


class Pin:
    """A GPIO pin. `Pin(n)` is the same object each time, as on the board."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    _made = {}

    def __new__(cls, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        """Return the one object of pin number `id`, or of the pin given."""
        if isinstance(id, Pin):
            id = id._id
        if type(id) is not int or not 0 <= id <= 48:
            raise ValueError("invalid pin")
        pin = cls._made.get(id)
        if pin is None:
            pin = object.__new__(cls)
            pin._id = id
            pin._mode = Pin.IN
            pin._pull = None
            pin._output = 0
            pin._handler = None
            pin._seen = 1
            cls._made[id] = pin
        return pin

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self.init(mode, pull, value=value, drive=drive, hold=hold)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        """Set direction, pull and first value."""
        classic = _host.world["board"] == "esp32-devkit"
        if mode != -1:
            if mode not in (Pin.IN, Pin.OUT, Pin.OPEN_DRAIN):
                raise ValueError("invalid mode")
            if mode != Pin.IN and classic and self._id in ONLY_INPUTS:
                raise ValueError("pin can only be input")
            self._mode = mode
        if pull != -1:
            self._pull = pull
        if value is not None:
            self._output = 1 if value else 0

    def value(self, level=None):
        """Read an input, or set an output."""
        _host.poll()
        if level is not None:
            self._output = 1 if level else 0
            return None
        if self._mode == Pin.OUT:
            return self._output
        held = _host.levels.get(self._id)
        if held is None:
            if self._pull in (Pin.PULL_UP, Pin.PULL_DOWN):
                return 1 if self._pull == Pin.PULL_UP else 0
            return utime.ticks_us() & 1  # nothing holds it: it floats
        age_us = utime.ticks_diff(utime.ticks_us(), _host.changed_us[self._id])
        if age_us < _host.world["bounce_ms"] * 1000:
            return held ^ (age_us // 700 & 1)
        return held

    __call__ = value

    def on(self):
        """Set the output high."""
        self.value(1)

    def off(self):
        """Set the output low."""
        self.value(0)

    def toggle(self):
        """Turn the output over."""
        self._output ^= 1

    def irq(self, handler=None, trigger=3, *, priority=1, wake=None, hard=False):
        """Call `handler(pin)` when the level changes (noticed when hardware is next touched)."""
        self._handler = handler
        self._trigger = trigger
        self._seen = self.value()
        if self not in _host.pollers:
            _host.pollers.append(self)

    def on_poll(self):
        """Notice an edge."""
        level = _host.levels.get(self._id, self._seen)
        if level != self._seen:
            self._seen = level
            if self._handler and self._trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
                micropython.schedule(self._handler, self)

    def __repr__(self):
        return "Pin(%d)" % self._id


class WDT:
    """The watchdog. It cannot be stopped; the host ends the program when it is not fed in time."""

    def __init__(self, *, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _host.send_count(_wire.WATCHDOG_STARTED, timeout)

    def feed(self):
        """Promise another `timeout` of health."""
        _host.send(_wire.WATCHDOG_FED)


class RTC:
    """The real-time clock, and 2048 bytes that outlive a reset but not a power cut."""

    def __init__(self, id=0):
        self._path = _host.world["state_folder"] + "/rtc.bin"

    def memory(self, data=None):
        """Read the kept bytes, or replace them by `data`."""
        if data is not None:
            if len(data) > 2048:
                raise ValueError("buffer too long")
            with open(self._path, "wb") as file:
                file.write(data)
            return None
        try:
            with open(self._path, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def datetime(self, fields=None):
        """Read (year, month, day, weekday, hour, minute, second, microsecond) or set the clock."""
        import time

        if fields is None:
            now = time.gmtime()
            return now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0
        year, month, day, _, hour, minute, second, _ = fields
        time.set_clock(time.mktime((year, month, day, hour, minute, second, 0, 0)))
        return None

    init = datetime


def unique_id():
    """Return the 6 bytes of the MAC address."""
    import binascii

    return binascii.unhexlify(_host.world["unique_id"])


def freq(hz=None):
    """Read the processor clock in Hz; setting it has no effect here."""
    return 160000000 if hz is None else None


def reset_cause():
    """Return why the program started."""
    return _host.world["reset_cause"]


def wake_reason():
    """Return what ended the deep sleep, 0 if there was none."""
    return _host.world.get("wake_reason", 0)


def reset():
    """Start again like after a power-up, without return."""
    _host.send(_wire.RESET)
    while True:
        utime.sleep_ms(1000)  # the host ends this process


def soft_reset():
    """Start the interpreter again."""
    raise SystemExit


def deepsleep(time_ms=0):
    """Sleep without return: the program starts anew after `time_ms`, or at the wake pin."""
    pin = _host.wake_pins[0]._id if _host.wake_pins else _wire.NO_PIN
    _host.send(_wire.DEEP_SLEEP, pin, struct.pack(_wire.COUNT, time_ms))
    while True:
        utime.sleep_ms(1000)


def lightsleep(time_ms=0):
    """Sleep and go on."""
    utime.sleep_ms(time_ms)


def disable_irq():
    """Keep interrupts away; there are none here that could come in between."""
    return 0


def enable_irq(state):
    """Let interrupts in again."""
