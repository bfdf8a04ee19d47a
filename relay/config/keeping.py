"""Settings of what the relay keeps: the database and the log."""

from typing import Literal

from pydantic import Field

from relay.config.group import SettingsGroup


class StoreSettings(SettingsGroup):
    """The database of toys and alerts."""

    url: str = Field(
        default="",
        repr=False,  # may hold a database password
        description="SQLAlchemy address; empty is the SQLite file relay.db in data_dir",
    )
    timeout_s: float = Field(default=5, gt=0, le=60, description="wait for a locked database")


class LogSettings(SettingsGroup):
    """The log. It never holds a child's words, a token or a password."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="how much"
    )
    format: Literal["text", "json"] = Field(
        default="text", description="for people, or for machines"
    )
