"""Looks after the toy once a second: watchdog, quiet night, battery, sleep, safe mode.

What only some toys need, or only now and then, is loaded only then.
"""

import asyncio
import time

import machine

from device.audio.earcon import Earcon, Line
from device.log import log
from device.states import IN_CONVERSATION, State
from device.unload import unload
from device.watchdog import Watchdog

CARE_MS = 1000
# Without progress for so long a part is stuck. The link's longest way without a sign of life is
# through all known networks, each with the driver's time-out.
PAW_MS = 15000
SOUND_MS = 15000
LINK_MS = 180000
WELL_AFTER_S = 60  # of life a start counts as good
MEASURE_S = 30
REMIND_S = 900  # between two complaints about the battery
BATTERY_SLEEP_MINUTES = 30
SAFE_S = 600  # of safe mode; then the toy tries to be whole again


class Caretaker:
    """Owns what is needed for it; the rest belongs to the toy."""

    def __init__(self, toy):
        self._toy = toy
        self._watchdog = None
        self._night = None
        self._battery = None
        self._well = False
        self._rested_s = 0  # up-time when something was last going on
        self._measured_s = 0
        self._talked = False  # since the battery was last thought of
        self._reminded_s = -REMIND_S
        settings = toy.settings
        if settings.has_night:
            from device.night import Night

            self._night = Night(settings.night_from, settings.night_until)
        if toy.board.battery_pin is not None:
            from device.battery import Battery

            self._battery = Battery(toy.board)
            self._measure(0)
        minutes = settings.sleep_minutes
        if minutes is None:
            minutes = 0 if toy.health.battery_percent is None else BATTERY_SLEEP_MINUTES
        self._sleep_s = minutes * 60

    def take_time(self, message):
        """Take the time of day from a message of the relay, if it tells it."""
        if self._night is not None:
            uptime_s = self._toy.health.uptime_s
            self._night.take(message, uptime_s)
            self._toy.volume.set_night(self._night.is_now(uptime_s))

    def stir(self):
        """Something is going on: do not sleep now."""
        self._rested_s = self._toy.health.uptime_s

    async def run(self):
        """Look after the toy for ever."""
        toy = self._toy
        self._watchdog = Watchdog(
            (
                ("paw", lambda: toy.polls, PAW_MS),
                ("microphone", lambda: toy.ears.progress, SOUND_MS),
                ("speaker", lambda: toy.speaker.progress, SOUND_MS),
                ("link", lambda: toy.link.progress, LINK_MS),
            )
        )
        if machine.wake_reason() == machine.PIN_WAKE:
            toy.speaker.chirp(Earcon.CHIRP)  # woken by the paw: home cannot answer as soon
        while True:
            self._watchdog.check(time.ticks_ms())
            toy.health.tick()
            await self._care(toy, toy.health.uptime_s)
            await asyncio.sleep_ms(CARE_MS)

    async def _care(self, toy, now_s):
        if self._night is not None:
            toy.volume.set_night(self._night.is_now(now_s))
        if self._battery is not None and now_s - self._measured_s >= MEASURE_S:
            self._measure(now_s)
        if toy.state in IN_CONVERSATION or toy.speaker.sounding:
            self.stir()
            self._talked = self._talked or toy.state in IN_CONVERSATION
            return
        if not self._well and now_s >= WELL_AFTER_S:
            self._well = True
            from device import crash

            crash.well()
            unload("device.crash")
        if self._talked and toy.state == State.IDLE:
            self._talked = False
            self._remind(toy, now_s)
        if toy.safe and now_s >= SAFE_S:
            log("care", "out of safe mode")
            from device import goodbye

            await goodbye.restart(toy)
        elif self._is_time_to_sleep(now_s):
            log("care", "good night", battery=toy.health.battery_percent)
            from device import goodbye

            await goodbye.sleep(toy)

    def _measure(self, now_s):
        self._measured_s = now_s
        self._battery.measure()
        self._toy.health.battery_percent = self._battery.percent

    def _remind(self, toy, now_s):
        """Say that the battery is low, after an answer: never into the silence of the night."""
        if self._battery is None or not self._battery.low:
            return
        if now_s - self._reminded_s >= REMIND_S:
            self._reminded_s = now_s
            toy.speaker.say(Line.BATTERY_LOW)

    def _is_time_to_sleep(self, now_s):
        if self._battery is not None and self._battery.empty:
            return True
        return self._sleep_s and now_s - self._rested_s >= self._sleep_s
