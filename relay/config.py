"""The relay's settings: one typed, frozen object, checked as a whole before anything starts.

`Settings(...)` takes what code gives it and, below that, environment variables such as
`BRAMBLE_LISTEN__PORT`. `relay.settings_file.load_settings` adds the TOML file and turns every
problem into plain words. Each field's description is what the example file and the reference table
in docs/operations.md say about it.
"""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """Return where this user's programs keep their data (XDG Base Directory), for Bramble."""
    # Outside the working copy on purpose: pulling, cleaning or moving the code loses no toy.
    base = os.environ.get("XDG_DATA_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share"
    return root / "bramble"


# A path in which a leading ~ is the user's home folder.
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic checks it afterwards
        # TOML has no null: `threads = ""` says "unset" there.
        if not isinstance(values, dict):
            return values
        optional = {name for name, field in cls.model_fields.items() if field.default is None}
        return {k: v for k, v in values.items() if not (k in optional and v == "")}


class ListenSettings(_Group):
    """Where toys reach the relay."""

    host: str = Field(default="0.0.0.0", min_length=1, description="address to listen on")  # noqa: S104
    port: int = Field(default=8765, ge=0, le=65535, description="TCP port; 0 takes any free one")
    tls: bool = Field(
        default=True, description="encrypt the link, with a certificate that the relay makes"
    )


class ParentSettings(_Group):
    """Where parents reach their page."""

    enabled: bool = Field(default=True, description="serve the page")
    host: str = Field(default="0.0.0.0", min_length=1, description="address to listen on")  # noqa: S104
    port: int = Field(default=8766, ge=0, le=65535, description="TCP port; 0 takes any free one")
    tls: bool = Field(
        default=True,
        description="encrypt the page; off only for this computer, or behind a proxy that encrypts",
    )
    names: tuple[str, ...] = Field(
        default=(),
        max_length=32,
        description="names by which browsers may call it, besides this computer's and *.local",
    )


class LimitSettings(_Group):
    """How much, how often and how long: everything that comes from outside has a limit."""

    max_toys: int = Field(
        default=120, ge=1, le=10_000, description="toys connected at the same time"
    )
    hello_timeout_s: float = Field(default=5, gt=0, le=60, description="from opening to hello")
    heartbeat_s: int = Field(
        default=2, ge=1, le=300, description="how often a toy sends a heartbeat"
    )
    timeout_s: int = Field(
        default=6, ge=2, le=900, description="silence after which a toy, or the relay, is dead"
    )
    command_timeout_s: float = Field(default=15, gt=0, le=60, description="answer to a command")
    write_timeout_s: float = Field(
        default=10, gt=0, le=120, description="a toy that stops reading is cut"
    )
    max_listen_s: int = Field(default=30, ge=3, le=120, description="longest question")
    stall_s: float = Field(default=5, gt=0, le=60, description="listening without any audio")
    audio_ahead_s: float = Field(
        default=3, ge=0.5, le=30, description="audio faster than real time by"
    )
    messages_per_second: int = Field(
        default=20, ge=2, le=1000, description="text messages from a toy"
    )
    turns_per_minute: int = Field(default=20, ge=1, le=600, description="questions of one toy")
    failed_tokens_per_minute: int = Field(
        default=10, ge=1, le=600, description="wrong tokens from one address before it has to wait"
    )
    prebuffer_ms: int = Field(
        default=120, ge=20, le=2000, description="sound a toy holds before playing"
    )
    lead_ms: int = Field(
        default=400, ge=40, le=5000, description="sound sent ahead of the toy's ear"
    )
    cleanup_s: float = Field(
        default=30, gt=0, le=600, description="how often stuck sessions are looked for"
    )
    stop_s: float = Field(
        default=5, gt=0, le=60, description="time to close every connection when stopping"
    )

    @model_validator(mode="after")
    def _timeout_outlasts_heartbeat(self) -> "LimitSettings":
        if self.timeout_s <= self.heartbeat_s:
            raise ValueError("timeout_s must be longer than heartbeat_s, best by twice and more")
        return self


class EndpointSettings(_Group):
    """When a child has finished speaking, in hands-free (tap) turns; and answers begun early."""

    voice_probability: float = Field(
        default=0.5, gt=0, lt=1, description="voice activity from which a frame counts as a voice"
    )
    min_speech_ms: int = Field(
        default=200, ge=20, le=2000, description="voice needed to count as speech"
    )
    silence_ms: int = Field(
        default=700, ge=200, le=5000, description="pause that ends it, ages 12 to 13"
    )
    youngest_silence_ms: int = Field(
        default=1100,
        ge=200,
        le=5000,
        description="pause that ends it, ages 3 to 5; in between for others",
    )
    finished_silence_ms: int = Field(
        default=540,
        ge=200,
        le=5000,
        description="pause that ends it after a whole question; longer for a child that pauses",
    )
    longest_silence_ms: int = Field(
        default=2000, ge=200, le=10_000, description="no pause that ends it is longer than this"
    )
    nothing_heard_ms: int = Field(
        default=6000, ge=1000, le=60_000, description="wait for a first word"
    )
    speculate: bool = Field(
        default=True,
        description="begin answers while the child still speaks, speak the one to what it said",
    )


class SttSettings(_Group):
    """Speech to text."""

    engine: Literal["auto", "vosk", "whisper"] = Field(
        default="auto", description="auto takes vosk where its model is there, else whisper"
    )
    vosk_model: str = Field(
        default="vosk-small-en", min_length=1, description="folder in models_dir"
    )
    whisper_model: str = Field(
        default="whisper-base", min_length=1, description="folder in models_dir"
    )
    language: str = Field(
        default="en", pattern="^[a-z]{2,3}$", description="language spoken, a code as in en"
    )
    threads: int = Field(default=2, ge=1, le=64, description="processor threads for whisper")
    incremental: bool = Field(
        default=True,
        description="whisper recognises while the child still speaks, not only at the end",
    )
    timeout_s: float = Field(default=10, gt=0, le=120, description="longest wait for a transcript")
    min_confidence: float = Field(default=0.25, ge=0, le=1, description="below it: say that again?")
    max_waiting: int = Field(
        default=16, ge=1, le=1000, description="utterances waiting for the engine"
    )


class LlmSettings(_Group):
    """The language model."""

    engine: Literal["llama", "openai"] = Field(
        default="llama", description="llama runs a GGUF file here; openai asks a compatible server"
    )
    model: str = Field(
        default="smollm2-135m-instruct",
        min_length=1,
        description="folder in models_dir, or the name that the server knows",
    )
    threads: int | None = Field(
        default=None, ge=1, le=256, description="processor threads; unset leaves one core free"
    )
    context: int = Field(
        default=2048, ge=512, le=131_072, description="tokens the model sees at once"
    )
    base_url: str = Field(
        default="",
        pattern="^(https?://.+)?$",
        description="of the compatible server, as in http://host:8000/v1",
    )
    api_key: SecretStr = Field(default=SecretStr(""), description="key of the compatible server")
    max_tokens: int = Field(default=160, ge=8, le=4096, description="longest reply")
    temperature: float = Field(default=0.4, ge=0, le=2, description="0 is always the same answer")
    first_token_timeout_s: float = Field(
        default=10, gt=0, le=300, description="wait for the first word"
    )
    timeout_s: float = Field(default=60, gt=0, le=600, description="wait for a whole reply")
    max_waiting: int = Field(default=16, ge=1, le=1000, description="replies waiting for the model")

    @model_validator(mode="after")
    def _server_has_address(self) -> "LlmSettings":
        if self.engine == "openai" and not self.base_url:
            raise ValueError('base_url is needed with engine = "openai"')
        return self


class TtsSettings(_Group):
    """Text to speech."""

    engine: Literal["pyttsx3", "piper"] = Field(
        default="pyttsx3", description="pyttsx3 (espeak-ng) is quick; piper sounds natural"
    )
    voice: str = Field(default="en-us", min_length=1, description="espeak-ng voice")
    piper_model: str = Field(default="piper-joe", min_length=1, description="folder in models_dir")
    words_per_minute: int = Field(default=140, ge=80, le=400, description="speed of speech")
    timeout_s: float = Field(default=15, gt=0, le=120, description="longest wait for a sentence")
    max_waiting: int = Field(
        default=32, ge=1, le=1000, description="sentences waiting for the voice"
    )


class SafetySettings(_Group):
    """The filter. It cannot be switched off; late answers count as unsafe."""

    timeout_ms: int = Field(
        default=500, ge=50, le=5000, description="a check that takes longer blocks"
    )


class StoreSettings(_Group):
    """The database of toys and alerts."""

    url: str = Field(
        default="",
        repr=False,  # may hold a database password
        description="SQLAlchemy address; empty is the SQLite file relay.db in data_dir",
    )
    timeout_s: float = Field(default=5, gt=0, le=60, description="wait for a locked database")


class DiscoverySettings(_Group):
    """Being found by toys in the home network (multicast DNS)."""

    enabled: bool = Field(
        default=True, description="announce the relay; needs listen.tls, by which toys know it"
    )


class LogSettings(_Group):
    """The log. It never holds a child's words, a token or a password."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="how much"
    )
    format: Literal["text", "json"] = Field(
        default="text", description="for people, or for machines"
    )


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is no network; write it as in 192.168.1.0/24") from None


class MetricsSettings(_Group):
    """Figures for Prometheus at GET /metrics on the toys' port: counts and times, no words."""

    allow: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=("127.0.0.0/8", "::1/128"),
        max_length=32,
        description="networks that may read them; an empty list switches them off",
    )


class Settings(BaseSettings):
    """Everything that can be set, with defaults that suit one home."""

    model_config = SettingsConfigDict(
        env_prefix="BRAMBLE_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    data_dir: UserPath = Field(
        default_factory=default_data_dir, description="where the database and the certificates lie"
    )
    models_dir: UserPath = Field(default=Path("models"), description="where the models lie")
    listen: ListenSettings = ListenSettings()
    parent: ParentSettings = ParentSettings()
    limits: LimitSettings = LimitSettings()
    endpoint: EndpointSettings = EndpointSettings()
    stt: SttSettings = SttSettings()
    llm: LlmSettings = LlmSettings()
    tts: TtsSettings = TtsSettings()
    safety: SafetySettings = SafetySettings()
    store: StoreSettings = StoreSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()

    @property
    def store_url(self) -> str:
        """The SQLAlchemy address of the database in use."""
        return self.store.url or f"sqlite:///{self.data_dir / 'relay.db'}"
