"""The set-up itself: opens the access point, serves the page, tries what was entered, saves it."""

import asyncio
import time

import network

from device import next_start
from device import settings as settings_file
from device.button import Press
from device.light import Look
from device.log import log
from device.long_press import LongPress
from device.next_start import Start
from device.portal import form, http, page
from device.portal.key import ADDRESS, load_key, toy_name
from device.portal.server import Server
from device.portal.verdict import Verdict, words_of
from device.ui import POLL_MS, Paw
from device.wifi import Wifi
from device.wifi_outcome import Outcome

OPEN_MS = 600000  # 10 minutes, from the opening or from the last form that was sent
ANSWER_MS = 1000  # for the phone to get its answer before the radio leaves it
FAREWELL_MS = 3000  # for the phone to get the last page
FAREWELL_LONGEST_MS = 60000  # when it does not ask for it: it may have lost the toy
MOST_PHONES = 2


class Stage:
    """How far the set-up is."""

    FORM = "form"
    TRYING = "trying"
    FAILED = "failed"
    DONE = "done"


class Portal:
    """One opening of the set-up. `fields` is what settings.json says now, {} if nothing usable.

    `ready` tells whether the toy could be a toy with them: then a squeeze takes it back.
    """

    def __init__(self, board, light, fields, ready):
        self._board = board
        self._light = light
        self._paw = Paw(board)
        self._long_press = LongPress()
        self._ready = ready
        self._fields = dict(fields)
        self._settings = None  # those that are to be tried
        self._found = []
        self._problems = ()
        self._verdict = None
        self._trial = None
        self._name = toy_name()
        self._access_point = network.WLAN(network.AP_IF)
        self.stage = Stage.FORM
        self._close_ms = 0

    async def run(self):
        """Stay open until it is over; True when the toy is to start again, False if nobody came."""
        self._light.show(Look.NEEDS_GROWN_UP)
        await self._look_around()
        server = Server(ADDRESS, self.respond)
        try:
            self._open()
            await server.start()
            self._light.show(Look.SET_UP)
            log("portal", "open", name=self._name, networks=len(self._found))
            self._close_in(OPEN_MS)
            return await self._wait()
        finally:
            if self._trial is not None:
                self._trial.cancel()
            server.close()
            self._access_point.active(False)
            log("portal", "closed", stage=self.stage)

    async def _look_around(self):
        # Before the access point opens: there is one radio, and a scan would starve the phone.
        station = Wifi(network.WLAN(network.STA_IF), (), self._name)
        station.start()
        self._found = await station.scan()

    def _open(self):
        self._access_point.active(True)
        self._access_point.config(  # after active(True), which would undo it
            ssid=self._name,
            security=network.AUTH_WPA2_PSK,
            key=load_key(),
            max_clients=MOST_PHONES,
        )

    def _close_in(self, delay_ms):
        self._close_ms = time.ticks_add(time.ticks_ms(), delay_ms)

    async def _wait(self):
        """Watch the paw, the clock and the trial until it is over; see `run`."""
        while True:
            now_ms = time.ticks_ms()
            press = self._paw.poll()
            if press is not None and self._is_over(press, now_ms):
                return True
            if time.ticks_diff(now_ms, self._close_ms) >= 0 and self._trial is None:
                return self.stage == Stage.DONE
            if self._trial is not None and self._trial.done():
                trial, self._trial = self._trial, None
                await trial  # raises what went wrong in a way that was not foreseen
            self._light.show(self._long_press.look(now_ms) or Look.SET_UP)
            self._light.animate()
            await asyncio.sleep_ms(POLL_MS)

    def _is_over(self, press, now_ms):
        """Tell whether the paw ends it: a factory reset, or a squeeze while nobody is there."""
        meant = self._long_press.take(press, False, now_ms)
        if meant == Start.FORGET:
            next_start.ask_for(meant)
            return True
        if meant == Start.SET_UP:
            self._close_in(OPEN_MS)
        # A child that squeezes wants its toy back; isconnected() says whether a phone has joined.
        return press == Press.TAP and self._ready and not self._access_point.isconnected()

    # The page

    def respond(self, request):
        """Return (status, location, pieces of HTML) for an http.Request; HttpError for a bad one.

        Phones look for a captive portal by asking for pages of their makers; sent here, they show
        this one.
        """
        if request.method == "POST":
            if request.path == "/try" and self.stage in (Stage.FORM, Stage.FAILED):
                self._take(request.body)
            elif request.path == "/keep" and self.stage == Stage.FAILED:
                self._save()
        elif request.path != "/":
            return 302, "http://%s/" % ADDRESS, ()
        return 200, None, self._show()

    def _show(self):
        if self.stage == Stage.TRYING:
            return page.trying_page(self._name, ADDRESS)
        if self.stage == Stage.DONE:
            self._close_in(FAREWELL_MS)
            return page.done_page()
        failed = self.stage == Stage.FAILED
        failure = words_of(self._verdict) if failed else None
        retype = failed and self._verdict == Outcome.WRONG_PASSWORD
        return page.form_page(self._found, self._fields, self._problems, failure, retype)

    def _take(self, body):
        """Take a form: try what it says, or say what is wrong with it."""
        try:
            entered = form.parse(body)
        except form.FormError as error:
            log("portal", "no form of ours", error=error)
            raise http.HttpError(400)
        self._fields, self._problems = form.apply(entered, self._fields, self._found)
        self._close_in(OPEN_MS)
        self.stage = Stage.FORM
        if not self._problems:
            self._settings = settings_file.Settings(dict(self._fields))
            self.stage = Stage.TRYING
            self._trial = asyncio.create_task(self._try())

    async def _try(self):
        # Imported only now: it brings the WebSocket with it.
        from device.portal.trial import attempt

        await asyncio.sleep_ms(ANSWER_MS)
        self._verdict = await attempt(self._settings, self._board, self._name, self._keep)
        if self._verdict == Verdict.GOOD:
            self._save()
        else:
            self.stage = Stage.FAILED

    def _keep(self, fields):
        settings_file.save(fields)
        self._fields = fields

    def _save(self):
        try:
            settings_file.save(self._fields)
        except OSError as error:
            log("portal", "not saved", error=error)
            self.stage = Stage.FORM
            self._problems = ("The toy could not write its settings. Switch it off and on.",)
            return
        log("portal", "saved")
        self.stage = Stage.DONE
        self._close_in(FAREWELL_LONGEST_MS)
