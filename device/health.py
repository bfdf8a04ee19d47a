"""How the toy is: what it tells the relay about itself in its heartbeat."""

import gc
import time

import esp32

from device.protocol import Message
from device.unload import unload

FIRMWARE = "0.1.0"

# Many ESP32s have no working thermometer and answer this, in degrees Fahrenheit, whatever the heat.
NO_THERMOMETER_F = 128


def largest_block():
    """Return the largest block, in bytes, that Wi-Fi and TLS could still get from ESP-IDF."""
    return max((region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA)), default=0)


def temperature_c():
    """Return the chip's temperature in degrees Celsius, None where there is no thermometer."""
    if hasattr(esp32, "mcu_temperature"):  # S3 and later
        return esp32.mcu_temperature()
    fahrenheit = esp32.raw_temperature()
    return None if fahrenheit == NO_THERMOMETER_F else (fahrenheit - 32) * 5 // 9


class Health:
    """Counters since the start, and the up-time, which outlives the wrap of the tick counter."""

    def __init__(self):
        self.reconnects = 0
        self.bad_messages = 0
        self.battery_percent = None  # of charge, where that can be measured
        from device import crash

        self.crash = crash.report()  # of the last life, until the relay knows
        unload("device.crash")
        self._uptime_ms = 0
        self._seen_ms = time.ticks_ms()

    def tick(self):
        """Count the time; to be called more often than ticks_ms wraps (12.4 days on the ESP32)."""
        now_ms = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(now_ms, self._seen_ms)
        self._seen_ms = now_ms

    @property
    def uptime_s(self):
        """Whole seconds since the start."""
        return self._uptime_ms // 1000

    def crash_is_told(self):
        """The relay knows what the toy died of."""
        if self.crash is not None:
            from device import crash

            self.crash = None
            crash.forget()
            unload("device.crash")

    def vital_signs(self, toy):
        """Return what heartbeat and status share: dBm, bytes, seconds, counts, percent, Celsius."""
        return {
            "rssi": toy.wifi.rssi(),
            "weak_signal": toy.wifi.signal.is_weak,
            "heap_free": gc.mem_free(),
            "heap_largest": largest_block(),
            "uptime_s": self.uptime_s,
            "reconnects": self.reconnects,
            "overruns": toy.ears.overruns,
            "underruns": toy.speaker.underruns,
            "battery_percent": self.battery_percent,
            "temperature_c": temperature_c(),
        }

    def heartbeat(self, toy):
        """Return the heartbeat message."""
        message = self.vital_signs(toy)
        message["type"] = Message.HEARTBEAT
        return message
