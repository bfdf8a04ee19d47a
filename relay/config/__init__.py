"""The relay's settings: one typed, frozen object, checked as a whole before anything starts.

`Settings(...)` takes what code gives it and, below that, environment variables such as
`BRAMBLE_LISTEN__PORT`. `relay.settings_file.load_settings` adds the TOML file and turns every
problem into plain words. Each field's description is what the example file and the reference table
in docs/operations.md say about it.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from relay.config.connections import (
    DiscoverySettings,
    LimitSettings,
    ListenSettings,
    MetricsSettings,
    ParentSettings,
)
from relay.config.conversation import (
    EndpointSettings,
    LlmSettings,
    SafetySettings,
    SttSettings,
    TtsSettings,
)
from relay.config.keeping import LogSettings, StoreSettings

__all__ = [
    "DiscoverySettings",
    "EndpointSettings",
    "LimitSettings",
    "ListenSettings",
    "LlmSettings",
    "LogSettings",
    "MetricsSettings",
    "ParentSettings",
    "SafetySettings",
    "Settings",
    "StoreSettings",
    "SttSettings",
    "TtsSettings",
    "default_data_dir",
]


def default_data_dir() -> Path:
    """Return where this user's programs keep their data (XDG Base Directory), for Bramble."""
    # Outside the working copy on purpose: pulling, cleaning or moving the code loses no toy.
    base = os.environ.get("XDG_DATA_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share"
    return root / "bramble"


# A path in which a leading ~ is the user's home folder.
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]


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
