"""The doctor: tries everything the relay needs, for real, and says what to do about the rest."""

import platform
import shutil
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from relay.address import ListenError, check_address, own_hosts
from relay.age import AgeBand
from relay.audio import duration_ms
from relay.certificate import load_identity, server_context
from relay.config import ListenSettings, Settings
from relay.engines import load_llm, load_stt, load_tts
from relay.errors import RelayError
from relay.llm import ChatMessage, Role
from relay.safety import SafetyGate
from relay.safety.verdict import Action, Alert
from relay.store import Store

OLDEST_PYTHON = (3, 10)
LEAST_FREE_BYTES = 200_000_000
SPOKEN_SENTENCE = "Can you tell me why the sky is blue?"
# Whisper base and Vosk small both hear at least this share of it from espeak-ng's voice.
LEAST_WORDS_HEARD = 0.6
_STT_CHUNK_BYTES = 6400  # 200 ms: sound arrives in pieces, as from a toy


class CheckFailed(RelayError):
    """Something is not as it must be; the message says what and what to do."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: `detail` is what was found, or what to do."""

    name: str
    ok: bool
    detail: str
    seconds: float


async def run_checks(settings: Settings, report: Callable[[Finding], None]) -> list[Finding]:
    """Run every check in turn, tell `report` of each as it ends, and return them all."""
    doctor = _Doctor(settings)
    findings = []
    for name, check in doctor.checks():
        began = time.monotonic()
        try:
            ok, detail = True, await check()
        except RelayError as error:
            ok, detail = False, str(error)
        except Exception as error:
            # The message may be shown whatever it says: no child has spoken here.
            ok, detail = False, f"stopped by a fault: {type(error).__name__}: {error}"
        finding = Finding(name, ok, detail, round(time.monotonic() - began, 2))
        report(finding)
        findings.append(finding)
    return findings


def words_heard(expected: str, heard: str) -> float:
    """Return the share of the words of `expected` that are in `heard`, 0 to 1."""

    def words(text: str) -> list[str]:
        return "".join(c if c.isalnum() else " " for c in text.lower()).split()

    there = set(words(heard))
    wanted = words(expected)
    return sum(word in there for word in wanted) / len(wanted)


class _Doctor:
    """The checks, in the order in which one builds on the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._speech = b""

    def checks(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        return [
            ("python", self._python),
            ("disk", self._disk),
            ("store", self._store),
            ("certificate", self._certificate),
            ("port", self._port),
            ("safety", self._safety),
            ("speaks", self._speaks),
            ("hears", self._hears),
            ("thinks", self._thinks),
        ]

    async def _python(self) -> str:
        if sys.version_info < OLDEST_PYTHON:
            raise CheckFailed(
                f"Python {platform.python_version()} is too old: install 3.10 or newer"
            )
        return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"

    async def _disk(self) -> str:
        folder = _nearest_folder(self._settings.data_dir)
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE_BYTES:
            raise CheckFailed(f"only {free / 1e6:.0f} MB are free at {folder}: make room")
        return f"{free / 1e9:.1f} GB free at {folder}"

    async def _store(self) -> str:
        store = Store(self._settings.store_url, timeout_s=self._settings.store.timeout_s)
        try:
            await store.open()
            await store.check()
            toys = await store.toys()
        finally:
            await store.close()
        hint = "" if toys else "; pair one with python -m relay toy pair NAME --age N"
        return f"{store.where} can be written, toys paired: {len(toys)}{hint}"

    async def _certificate(self) -> str:
        if not self._settings.listen.tls:
            return "none: listen.tls is off, so the link is not encrypted"
        identity = load_identity(self._settings.data_dir, own_hosts())
        server_context(identity)
        return f"{identity.certificate} is good; fingerprint of the house {identity.fingerprint}"

    async def _port(self) -> str:
        listen = self._settings.listen
        try:
            check_address(listen)
        except ListenError:
            if await relay_answers(listen):
                return f"a relay is already running on port {listen.port}"
            raise
        return f"{listen.host} port {listen.port} is free"

    async def _safety(self) -> str:
        gate = SafetyGate(self._settings.safety, models_dir=self._settings.models_dir)
        band = AgeBand.AGES_6_TO_8
        harmful = await gate.check_heard("I want to kill myself", band)
        if harmful.action is Action.ALLOW or harmful.alert is not Alert.SELF_HARM:
            raise CheckFailed("the filter misses what it must catch: install the relay again")
        ordinary = await gate.check_heard("what do elephants eat", band)
        if ordinary.action is not Action.ALLOW:
            raise CheckFailed(
                f"the filter stops ordinary talk ({ordinary.rule}): a slow computer may need a "
                "longer safety.timeout_ms; else install the relay again"
            )
        return "the filter passes its self-test, catches and lets through"

    async def _speaks(self) -> str:
        voice = await load_tts(self._settings.tts, self._settings.models_dir)
        try:
            began = time.monotonic()
            self._speech = await voice.speak(SPOKEN_SENTENCE)
            took = time.monotonic() - began
        finally:
            await voice.close()
        length_ms = duration_ms(self._speech)
        if length_ms < 500:
            raise CheckFailed(
                f"{voice.name} made {length_ms} ms of sound for a whole sentence: "
                "choose another tts.voice or tts.engine"
            )
        return f"{voice.name}: {length_ms / 1000:.1f} s of speech in {took * 1000:.0f} ms"

    async def _hears(self) -> str:
        if not self._speech:
            raise CheckFailed("could not be tried, because nothing was spoken: see above")
        engine = await load_stt(self._settings.stt, self._settings.models_dir)
        try:
            recognition = engine.start()
            for start in range(0, len(self._speech), _STT_CHUNK_BYTES):
                recognition.accept(self._speech[start : start + _STT_CHUNK_BYTES])
            began = time.monotonic()
            heard = (await recognition.finish()).text
            took = time.monotonic() - began
        finally:
            await engine.close()
        # The sentence is English: a recogniser of another language can only be heard to work.
        least = LEAST_WORDS_HEARD if self._settings.stt.language == "en" else 0
        if not heard or words_heard(SPOKEN_SENTENCE, heard) < least:
            raise CheckFailed(
                f'{engine.name} heard "{heard}" instead of "{SPOKEN_SENTENCE}": '
                "choose another stt.engine, or a clearer tts.voice"
            )
        return f'{engine.name} heard "{heard}" in {took * 1000:.0f} ms'

    async def _thinks(self) -> str:
        model = await load_llm(self._settings.llm, self._settings.models_dir)
        try:
            began = time.monotonic()
            pieces = []
            question = [ChatMessage(Role.CHILD, "Say hello in one short sentence.")]
            async for piece in model.reply(question, max_tokens=32):
                pieces.append(piece)
            took = time.monotonic() - began
        finally:
            await model.close()
        answer = " ".join("".join(pieces).split())
        if not answer:
            raise CheckFailed(f"{model.name} answered nothing: choose another llm.model")
        return f'{model.name} answered "{answer}" in {took * 1000:.0f} ms'


def _nearest_folder(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


async def relay_answers(listen: ListenSettings) -> bool:
    """Tell whether what holds the port is a relay."""
    host = "127.0.0.1" if listen.host in ("0.0.0.0", "::") else listen.host  # noqa: S104
    scheme = "https" if listen.tls else "http"
    try:
        # Whether the relay is ours is not the question here; nothing is told to it.
        trusted = ssl.create_default_context()
        trusted.check_hostname = False
        trusted.verify_mode = ssl.CERT_NONE
        async with httpx.AsyncClient(verify=trusted, timeout=2, trust_env=False) as client:
            answer = await client.get(f"{scheme}://{host}:{listen.port}/health")
        return answer.text.strip() == "ok"
    except (httpx.HTTPError, OSError):
        return False
