"""The relay as a service: a unit that systemd itself accepts, written and removed."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.service_unit import make_unit
from tests.relay.relay_process import relay

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$SYSTEMCTL_LOG"
[ -z "$SYSTEMCTL_FAILS" ] || { echo "Failed to connect to bus" >&2; exit 1; }
"""


@pytest.fixture
def machine(tmp_path):
    """Return environment variables with a systemctl that writes down what it is asked."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text(SYSTEMCTL)
    (programs / "systemctl").chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "SYSTEMCTL_LOG": str(tmp_path / "asked"),
    }


def test_it_is_installed_again_and_again_and_removed(tmp_path, machine):
    unit = tmp_path / "config" / "systemd" / "user" / "bramble.service"
    for _ in range(2):
        done = relay(tmp_path, "install", **machine)
        assert done.returncode == 0, done.stderr
        assert "enable-linger" in done.stdout
    assert f'ExecStart="{sys.executable}" "-m" "relay"' in unit.read_text()
    assert not stat.S_IMODE(unit.stat().st_mode) & stat.S_IWOTH
    assert relay(tmp_path, "uninstall", **machine).returncode == 0
    assert not unit.exists()
    assert "No service" in relay(tmp_path, "uninstall", **machine).stdout
    asked = (tmp_path / "asked").read_text().splitlines()
    once = [
        "--user daemon-reload",
        "--user enable bramble.service",
        "--user restart bramble.service",
    ]
    assert asked == [
        *once,
        *once,
        "--user disable --now bramble.service",
        "--user daemon-reload",
    ]


def test_the_settings_file_in_use_is_named(tmp_path, machine):
    (tmp_path / "my relay.toml").write_text("")
    done = relay(tmp_path, "install", "--dry-run", "--config", "my relay.toml", **machine)
    assert f'"--config" "{tmp_path}/my relay.toml"' in done.stdout
    assert not (tmp_path / "config").exists()


def test_a_machine_without_a_session_says_what_to_do(tmp_path, machine):
    done = relay(tmp_path, "install", **machine, SYSTEMCTL_FAILS="1")
    assert done.returncode == 1
    assert "Failed to connect to bus" in done.stderr and "logged in" in done.stderr


def verified(unit, folder):
    path = folder / "bramble.service"
    path.write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
        timeout=60,
        check=False,
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if "bramble.service" in line]


# systemd-analyze comes with systemd; where that is not, no service can be installed either.
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("folder", ["plain", "with space", "100%$HOME", 'a"b'])
def test_systemd_itself_finds_nothing_wrong(tmp_path, folder):
    home = tmp_path / folder
    home.mkdir()
    unit = make_unit(home, [sys.executable, "-m", "relay", "--config", str(home / "relay.toml")])
    assert verified(unit, tmp_path) == []
    broken = unit.replace("Type=exec", "Type=nonsense")
    assert verified(broken, tmp_path) != []


@given(st.text(min_size=1))
def test_no_path_adds_a_line_to_the_unit(text):
    plain = make_unit(Path("/x"), ["/p"])
    try:
        unit = make_unit(Path("/x") / text.replace("/", "_"), ["/p", text])
    except ValueError:
        assert any(character < " " for character in text)
        return
    assert len(unit.split("\n")) == len(plain.split("\n"))
