"""The systemd unit that runs the relay as long as the computer is on. Pure."""

from collections.abc import Sequence
from pathlib import Path

NAME = "bramble.service"

# ProtectSystem and its like are left out: in a user's own service they need user namespaces, which
# some systems forbid (Ubuntu 24.04 does), and the relay would then not start at all.
_UNIT = """\
[Unit]
Description=Bramble's relay: listens, thinks and speaks for the toys of this home
Wants=network-online.target
After=network-online.target
# What does not start five times in ten minutes will not start the sixth time either.
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=exec
WorkingDirectory={folder}
ExecStart={command}
Restart=on-failure
RestartSec=10
# It says goodbye to every toy first.
TimeoutStopSec=30
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
MemoryMax={memory_mb}M
TasksMax=256

[Install]
WantedBy=default.target
"""

MEMORY_MB = 4096
"""The starter models take about 1 GB; a larger model needs a larger limit."""


def make_unit(folder: Path, command: Sequence[str], *, memory_mb: int = MEMORY_MB) -> str:
    """Return the unit's text; ValueError for paths that no unit can hold.

    `folder` is where the relay runs, `command` the program and its arguments.
    """
    return _UNIT.format(
        folder=_plain(str(folder)),
        command=" ".join(_quoted(part) for part in command),
        memory_mb=memory_mb,
    )


def _plain(text: str) -> str:
    if any(ord(character) < ord(" ") for character in text):
        raise ValueError("a path has a line end or another control character in it")
    # systemd.unit(5): % begins a specifier.
    return text.replace("%", "%%")


def _quoted(part: str) -> str:
    """Return one argument as systemd.service(5), "Command lines", wants it."""
    escaped = _plain(part).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'
