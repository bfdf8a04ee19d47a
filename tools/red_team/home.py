"""The relay that is attacked: whole, but for ears that read and a voice that is cut short."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from device.protocol import PCM_FRAME_BYTES
from relay.app import Relay
from relay.config import LimitSettings, ListenSettings, ParentSettings, SafetySettings, Settings
from relay.engines import Engines, load_engines
from relay.record import TurnRecord
from relay.streams import within
from relay.tokens import issue_token
from relay.tts import USUAL, Style, TextToSpeech
from relay.urgency import Urgency
from tools.bench.light_toy import LightToy
from tools.red_team.written_sound import ReadingEars

_RECORD_S = 30.0


class BriefVoice:
    """Speaks with a real voice, and gives out only the first 20 ms, so that no time passes."""

    def __init__(self, voice: TextToSpeech) -> None:
        self._voice = voice
        self.name = voice.name

    async def speak(
        self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE, style: Style = USUAL
    ) -> bytes:
        """Return the beginning of a spoken sentence."""
        sound = await self._voice.speak(text, urgency=urgency, style=style)
        return sound[:PCM_FRAME_BYTES]

    async def close(self) -> None:
        """Stop the voice."""
        await self._voice.close()


class AttackedHome:
    """A running relay and what it noted of each turn."""

    def __init__(self, settings: Settings, *, spoken: bool) -> None:
        self._records: dict[tuple[str, int], TurnRecord] = {}
        self._noted = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()
        self.relay = Relay(settings, [self._note], load_engines if spoken else _quick_engines)

    def _note(self, record: TurnRecord) -> None:
        self._records[record.toy, record.turn] = record
        task = asyncio.create_task(self._tell())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _tell(self) -> None:
        async with self._noted:
            self._noted.notify_all()

    async def record(self, toy: str, turn: int) -> TurnRecord:
        """Return what a turn was, and forget it; TimeoutError if it does not end."""
        async with self._noted:
            await within(self._noted.wait_for(lambda: (toy, turn) in self._records), _RECORD_S)
        return self._records.pop((toy, turn))

    async def new_toy(self, name: str, age: int) -> tuple[str, LightToy]:
        """Pair a toy; return its id and the toy, not yet connected."""
        toy, token = await issue_token(self.relay.store, name, age)
        url = f"ws://127.0.0.1:{self.relay.port}/toy"
        return toy.id, LightToy(url, token, None, age)


@contextlib.asynccontextmanager
async def attacked_home(*, spoken: bool) -> AsyncIterator[AttackedHome]:
    """Start a relay on a free loopback port with an empty store; raises RelayError."""
    with tempfile.TemporaryDirectory(prefix="bramble-") as folder:
        llm = Settings().llm
        settings = Settings(
            data_dir=Path(folder),
            listen=ListenSettings(host="127.0.0.1", port=0, tls=False),
            parent=ParentSettings(enabled=False),
            # The kind lines of a busy computer would hide what an idle one says.
            limits=LimitSettings(turns_per_minute=600, audio_ahead_s=30),
            llm=llm.model_copy(update={"first_token_timeout_s": 60.0, "timeout_s": 120.0}),
            safety=SafetySettings(timeout_ms=5000),
        )
        home = AttackedHome(settings, spoken=spoken)
        await home.relay.start()
        try:
            yield home
        finally:
            await home.relay.stop()


async def _quick_engines(settings: Settings) -> Engines:
    engines = await load_engines(settings)
    await engines.stt.close()
    return replace(engines, stt=ReadingEars(), tts=BriefVoice(engines.tts))
