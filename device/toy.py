"""The toy itself: owns the parts, turns what happens into events, and carries out the actions."""

import asyncio
import gc
import time

from device import messages
from device.audio.earcon import Earcon, Line
from device.audio.speaker import Speaker, SpeakerPort
from device.caretaker import Caretaker
from device.ears import Ears
from device.grown_up_paw import GrownUpPaw
from device.health import Health
from device.light import Look
from device.link import NEEDS_GROWN_UP, Link
from device.log import log
from device.outbox import Outbox
from device.protocol import (
    ADPCM_FRAME_BYTES,
    AUDIO_HEADER_BYTES,
    LAST_TURN,
    Close,
    Codec,
    Message,
    Mode,
    StopReason,
)
from device.states import IN_CONVERSATION, Action, Event, State, step
from device.ui import POLL_MS, Light
from device.unload import unload
from device.volume import Volume
from device.wifi import open_station

NO_REPLY_MS = 15000  # without a sign of the relay while it thinks or speaks
LISTEN_GRACE_MS = 3000  # over the relay's own limit of listening
ERROR_LOOK_MS = 1000

_LOOKS = {
    State.SETUP: Look.NEEDS_GROWN_UP,
    State.OFFLINE: Look.OFFLINE,
    State.IDLE: Look.IDLE,
    State.LISTENING: Look.LISTENING,
    State.THINKING: Look.THINKING,
    State.SPEAKING: Look.SPEAKING,
}
_CHIRPS = {
    Action.CHIRP_LISTENING: Earcon.LISTENING,
    Action.CHIRP_HEARD: Earcon.HEARD,
    Action.CHIRP_SORRY: Earcon.SORRY,
}
# What is said, and the sound instead where the line is not in the flash.
_LINES = {
    Action.SAY_AWAY: (Line.AWAY, Earcon.AWAY),
    Action.SAY_GROWN_UP: (Line.GROWN_UP, Earcon.SORRY),
}


class Toy:
    """Everything between the paw and the relay. `settings` has an allowed age.

    In safe mode it is connected, so that it can be helped from home, but opens no microphone.
    """

    def __init__(self, settings, board, safe=False):
        # In the order of what asks most of the memory: the radio, I2S, the buffers, the rest.
        self.wifi = open_station(settings)
        self.speaker = Speaker(SpeakerPort(board), self._on_played)
        self.volume = Volume(settings, self.speaker)
        self.outbox = Outbox(lambda: self.speaker.sounding, self.speaker.ring)
        self.ears = Ears(settings.age, board, self.outbox, self._start)
        self.settings = settings
        self.board = board
        self.safe = safe
        self.updating = False  # from home, into the free slot
        self._paw = GrownUpPaw(board, self)
        self.light = Light(board)
        self.health = Health()
        self.link = Link(settings, board, self.wifi, self.outbox, self.health, self)
        self._crashed = asyncio.Event()
        self._crash = None
        self.state = State.OFFLINE
        self._turn = 0
        self._failed_once = False  # to reach home, since it was last reached
        self._deadline_ms = None  # when the state lasts too long
        self._brief = None  # the look of a passing thing, an error say
        self._brief_ms = 0  # when it ends
        self.polls = 0  # of the paw, modulo 65536
        self._prebuffer_ms = 0
        self._max_listen_ms = 0
        self._caretaker = Caretaker(self)

    async def run(self):
        """Run for ever; an error in any part is raised here."""
        self._listen()
        for work in (self.speaker.run(), self.link.run(), self._poll(), self._caretaker.run()):
            self._start(work)
        await self._crashed.wait()
        raise self._crash

    def _listen(self):
        if not self.safe:
            self.ears.open()

    def _start(self, work):
        return asyncio.create_task(self._guard(work))

    async def _guard(self, work):
        # A task that dies alone leaves a toy that looks alive and is deaf: better to start again.
        try:
            await work
        except Exception as error:
            self.on_crash(error)

    def on_crash(self, error):
        """End the toy with `error`."""
        self._crash = error
        self._crashed.set()

    # Events

    def happen(self, event):
        """Let an Event happen: change the state, carry out the actions."""
        before = self.state
        self.state, actions = step(before, event)
        for action in actions:
            self._act(action)
        if self.state != before:
            log("toy", self.state, was=before, turn=self._turn)
            self._enter()
        elif actions:
            self._set_deadline()

    def _enter(self):
        self._set_deadline()
        if self.state in (State.LISTENING, State.THINKING, State.SPEAKING):
            self._brief = None
        self.wifi.set_awake(self.state in IN_CONVERSATION)
        if self.state == State.IDLE:
            self._failed_once = False
            self.volume.save()
            gc.collect()  # now, and not while the next answer is being played

    def _set_deadline(self):
        limit_ms = None
        if self.state == State.LISTENING:
            limit_ms = self._max_listen_ms + LISTEN_GRACE_MS
        elif self.state in (State.THINKING, State.SPEAKING):
            limit_ms = NO_REPLY_MS
        self._deadline_ms = limit_ms and time.ticks_add(time.ticks_ms(), limit_ms)

    async def _poll(self):
        """Watch the paw and the clock, and move the light."""
        while True:
            press = self._paw.poll()
            if press is not None:
                self.happen(press)  # the values of Press are those of Event
            now_ms = time.ticks_ms()
            if self._deadline_ms is not None and time.ticks_diff(now_ms, self._deadline_ms) >= 0:
                self.happen(Event.LATE)
            if time.ticks_diff(now_ms, self._brief_ms) >= 0:
                self._brief = None
            self.polls = (self.polls + 1) & 0xFFFF
            self.light.show(self._paw.look() or self._look())
            self.light.animate()
            await asyncio.sleep_ms(POLL_MS)

    def show(self, look, for_ms):
        """Let the light say something in passing; a turn that goes on ends it."""
        self._brief = look
        self._brief_ms = time.ticks_add(time.ticks_ms(), for_ms)

    def _look(self):
        if self._brief is not None:
            return self._brief
        if self.state == State.OFFLINE and not self._failed_once:
            return Look.CONNECTING
        if self.updating and self.state not in IN_CONVERSATION:
            return Look.UPDATING
        if self.safe and self.state == State.SETUP:
            return Look.SAFE
        return _LOOKS[self.state]

    # From the link

    def on_welcome(self, welcome):
        """The relay has let the toy in."""
        self._prebuffer_ms = int(welcome["prebuffer_ms"])
        self._max_listen_ms = int(welcome["max_listen_s"] * 1000)
        self._caretaker.take_time(welcome)
        self._listen()
        self.happen(Event.REFUSED if self.safe else Event.WELCOME)

    def on_lost(self, code):
        """The link ended with `code`, or could not be had."""
        if code == Close.AGE_GATE:
            self.ears.close()
        if self.state == State.OFFLINE:
            self._failed_once = True
        self.happen(Event.REFUSED if code in NEEDS_GROWN_UP else Event.LOST)

    async def on_message(self, message):
        """Take a message of the relay; those of another turn than the current one are old news."""
        kind = message["type"]
        if kind == Message.COMMAND:
            await self._on_command(message)
        elif kind == Message.ERROR:
            log("toy", "the relay reports an error", code=message["code"])
        elif kind == Message.HEARTBEAT_ACK:
            self._caretaker.take_time(message)
        elif message.get("turn") != self._turn:
            return
        elif kind == Message.ENDPOINT:
            self.happen(Event.ENDPOINT)
        elif kind == Message.SPEECH_START:
            self.happen(Event.SPEECH_START)
        elif kind == Message.SPEECH_STOP:
            if message["reason"] == StopReason.DONE and self.state == State.SPEAKING:
                self.speaker.finish()
            else:
                self.happen(Event.STOPPED)

    def on_audio(self, frame):
        """Take an audio frame; False if there is no room for it: see `on_audio_later`."""
        # The bytes of protocol.pack_audio_header, read without making a tuple of them.
        if len(frame) != AUDIO_HEADER_BYTES + ADPCM_FRAME_BYTES or frame[0] != Codec.ADPCM:
            raise messages.BadMessage("audio frame of the wrong length or codec")
        if frame[1] != self._turn & 0xFF or self.state != State.SPEAKING:
            return True
        self._set_deadline()
        slot = self.speaker.slot()
        if slot is None:
            return not self.speaker.is_full
        slot[:] = frame[AUDIO_HEADER_BYTES:]
        self.speaker.commit()
        return True

    async def on_audio_later(self, frame):
        """Take an audio frame when there is room, so that the relay must wait, too."""
        while not self.on_audio(frame):
            await self.speaker.wait_for_room()

    async def _on_command(self, message):
        from device import commands  # rarely needed: not in memory while the toy talks

        self.outbox.post(await commands.answer(message, self))
        unload("device.commands")

    def restart_soon(self):
        """Say goodbye and start again, once the answer to the command is on its way."""
        from device import goodbye

        self._start(goodbye.restart(self))

    def stir(self):
        """Something is going on that the toy must not fall asleep over."""
        self._caretaker.stir()

    def _on_played(self, played_ms, underruns):
        self.outbox.post(
            {
                "type": Message.PLAYED,
                "turn": self._turn,
                "played_ms": played_ms,
                "underruns": underruns,
            }
        )
        self.happen(Event.PLAYED)

    def _act(self, action):
        """Carry out an Action."""
        if action == Action.BEGIN:
            self._turn = self._turn % LAST_TURN + 1
            self.outbox.begin(self._turn)
        elif action == Action.ANNOUNCE_HOLD:
            self.outbox.announce(Mode.HOLD)
        elif action == Action.ANNOUNCE_TAP:
            self.outbox.announce(Mode.TAP)
        elif action == Action.END:
            self.outbox.end()
        elif action == Action.CLOSE:
            self.outbox.abandon()
        elif action == Action.CANCEL:
            self.outbox.post({"type": Message.CANCEL, "turn": self._turn})
        elif action == Action.PLAY:
            self.speaker.start(self._prebuffer_ms)
        elif action == Action.SILENCE:
            self.speaker.stop()
        elif action in _LINES:
            line, earcon = _LINES[action]
            if not self.speaker.say(line):
                self.speaker.chirp(earcon)
        else:
            if action == Action.CHIRP_SORRY:
                self.show(Look.ERROR, ERROR_LOOK_MS)
            self.speaker.chirp(_CHIRPS[action])
