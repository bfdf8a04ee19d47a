"""Errors as types: each says what went wrong in words fit for a log, never a child's words."""


class RelayError(Exception):
    """Base of every error the relay raises on purpose."""


class ConfigError(RelayError):
    """The settings cannot be used; the message lists every problem, one a line."""


class EngineError(RelayError):
    """A speech or language engine failed. `engine` names it, as in "stt.whisper"."""

    def __init__(self, engine: str, message: str) -> None:
        super().__init__(f"{engine}: {message}")
        self.engine = engine


class EngineTimeout(EngineError):
    """An engine did not answer in time; its worker has been replaced."""


class EngineBusy(EngineError):
    """An engine's queue is full: the caller should say so kindly rather than wait."""


class ModelMissing(EngineError):
    """A model file is missing or damaged; the message says which and how to get it."""
