"""Settings of what reaches the relay: toys, parents, who looks after it; and its limits."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from relay.config.group import SettingsGroup


class ListenSettings(SettingsGroup):
    """Where toys reach the relay."""

    host: str = Field(default="0.0.0.0", min_length=1, description="address to listen on")  # noqa: S104
    port: int = Field(default=8765, ge=0, le=65535, description="TCP port; 0 takes any free one")
    tls: bool = Field(
        default=True, description="encrypt the link, with a certificate that the relay makes"
    )


class ParentSettings(SettingsGroup):
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


class LimitSettings(SettingsGroup):
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


class DiscoverySettings(SettingsGroup):
    """Being found by toys in the home network (multicast DNS)."""

    enabled: bool = Field(
        default=True, description="announce the relay; needs listen.tls, by which toys know it"
    )


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is no network; write it as in 192.168.1.0/24") from None


class MetricsSettings(SettingsGroup):
    """Figures for Prometheus at GET /metrics on the toys' port: counts and times, no words."""

    allow: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=("127.0.0.0/8", "::1/128"),
        max_length=32,
        description="networks that may read them; an empty list switches them off",
    )
