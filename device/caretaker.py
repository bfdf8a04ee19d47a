"""Looks after the toy once a second: watchdog, quiet night, battery, sleep, safe mode."""

import asyncio
import time

from device import crash, goodbye
from device.audio.earcon import Earcon
from device.audio.lines import Line
from device.clock import Clock
from device.log import log
from device.states import IN_CONVERSATION, State
from device.watchdog import Watchdog

CARE_MS = 1000
# Without progress for so long a part is stuck. The link's longest way without a sign of life is
# through all known networks, each with the driver's time-out.
PAW_MS = 15000
SOUND_MS = 15000
LINK_MS = 180000
MEASURE_S = 30
REMIND_S = 900  # between two complaints about the battery
BATTERY_SLEEP_MINUTES = 30
SAFE_S = 600  # of safe mode; then the toy tries to be whole again


class Caretaker:
    """Owns what is needed for it; the rest belongs to the toy."""

    def __init__(self, toy):
        self._toy = toy
        self._clock = Clock()
        self._watchdog = None
        self._well = False
        self._rested_s = 0  # up-time when something was last going on
        self._measured_s = 0
        self._talked = False  # since the battery was last thought of
        self._reminded_s = -REMIND_S
        minutes = toy.settings.sleep_minutes
        if minutes is None:
            minutes = 0 if toy.battery.percent is None else BATTERY_SLEEP_MINUTES
        self._sleep_s = minutes * 60

    def take_time(self, message):
        """Take the time of day from a message of the relay, if it tells it."""
        uptime_s = self._toy.health.uptime_s
        self._clock.take(message, uptime_s)
        self._toy.volume.set_time(self._clock.minute(uptime_s))

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
        if goodbye.woken_by_paw():
            toy.speaker.chirp(Earcon.CHIRP)  # long before home can answer
        while True:
            self._watchdog.check(time.ticks_ms())
            toy.health.tick()
            await self._care(toy, toy.health.uptime_s)
            await asyncio.sleep_ms(CARE_MS)

    async def _care(self, toy, now_s):
        toy.volume.set_time(self._clock.minute(now_s))
        if not self._well and now_s * 1000 >= crash.WELL_AFTER_MS:
            self._well = True
            crash.well()
        if now_s - self._measured_s >= MEASURE_S:
            self._measured_s = now_s
            toy.battery.measure()
        if toy.state in IN_CONVERSATION or toy.speaker.sounding:
            self.stir()
            self._talked = self._talked or toy.state in IN_CONVERSATION
            return
        if toy.state == State.IDLE and self._talked:
            self._talked = False
            self._remind(toy, now_s)
        if toy.safe and now_s >= SAFE_S:
            log("care", "out of safe mode")
            await goodbye.restart(toy)
        elif toy.battery.empty or (self._sleep_s and now_s - self._rested_s >= self._sleep_s):
            log("care", "good night", battery=toy.battery.percent)
            await goodbye.sleep(toy)

    def _remind(self, toy, now_s):
        """Say that the battery is low, after an answer: never into the silence of the night."""
        if toy.battery.low and now_s - self._reminded_s >= REMIND_S:
            self._reminded_s = now_s
            toy.speaker.say(Line.BATTERY_LOW)
