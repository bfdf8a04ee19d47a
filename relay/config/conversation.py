"""Settings of a conversation: when a question ends, and the engines that hear, think and speak."""

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from relay.config.group import SettingsGroup


class EndpointSettings(SettingsGroup):
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


class SttSettings(SettingsGroup):
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


class LlmSettings(SettingsGroup):
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


class TtsSettings(SettingsGroup):
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


class SafetySettings(SettingsGroup):
    """The filter. It cannot be switched off; late answers count as unsafe."""

    timeout_ms: int = Field(
        default=500, ge=50, le=5000, description="a check that takes longer blocks"
    )
