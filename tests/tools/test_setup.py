"""The stamps of tools.setup: what counts as done, and what has to be done again."""

import json
import subprocess
import sys

import pytest

from tools import setup, setup_steps, watch


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A set-up whose stamps and models lie in a folder of their own."""
    monkeypatch.setattr(setup, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(setup, "MODELS", tmp_path / "models")
    (tmp_path / "models").mkdir()
    return tmp_path


def test_a_step_without_a_stamp_is_to_be_done(checkout):
    assert not setup.stamp_fits("packages", {"extras": ["toy"]})


def test_a_stamp_fits_what_it_was_written_for_and_less(checkout):
    setup.write_stamp("packages", {"pyproject": "abc", "extras": ["piper", "test", "toy"]})
    assert setup.stamp_fits("packages", {"pyproject": "abc", "extras": ["piper", "toy"]})
    assert not setup.stamp_fits("packages", {"pyproject": "abc", "extras": ["microphone"]})
    assert not setup.stamp_fits("packages", {"pyproject": "changed", "extras": ["toy"]})


def test_a_torn_stamp_counts_as_none(checkout):
    setup.write_stamp("packages", {"extras": ["toy"]})
    path = checkout / "stamps" / "packages"
    path.write_text(path.read_text()[:-5])
    assert not setup.stamp_fits("packages", {"extras": ["toy"]})


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_models_that_were_deleted_or_cut_short_are_fetched_again(checkout, damage):
    model = checkout / "models" / "whisper" / "model.bin"
    model.parent.mkdir()
    model.write_bytes(bytes(1000))
    setup.write_stamp("models", {"models": ["a"]})
    assert setup.stamp_fits("models", {"models": ["a"]})
    if damage == "gone":
        model.unlink()
    else:
        model.write_bytes(bytes(999))
    assert not setup.stamp_fits("models", {"models": ["a"]})


def test_an_interrupted_set_up_goes_on_at_the_step_it_stopped_in(checkout, monkeypatch):
    done = []

    def step(name, fails=False):
        def run(*_):
            done.append(name)
            if fails and done.count(name) == 1:
                raise KeyboardInterrupt

        return run

    monkeypatch.setattr(setup, "make_environment", step("environment"))
    monkeypatch.setattr(setup, "install_llama", step("llama"))
    monkeypatch.setattr(setup, "install_packages", step("packages", fails=True))
    monkeypatch.setattr(setup, "get_models", step("models"))
    with pytest.raises(KeyboardInterrupt):
        setup.set_up(["toy"], [])
    setup.set_up(["toy"], [])
    setup.set_up(["toy"], [])
    assert done == ["environment", "llama", "packages", "packages", "models"]


def test_what_make_runs_first_needs_nothing_installed():
    """`-I -S`: no site-packages, as on a new machine."""
    code = "import sys; sys.path.insert(0, '.'); import tools.setup"
    command = [sys.executable, "-I", "-S", "-c", code]
    subprocess.run(command, cwd=watch.ROOT, check=True, timeout=60)


def test_the_pinned_language_engine_is_found_in_pyproject():
    assert setup_steps.llama_requirement().startswith("llama-cpp-python==")


def test_a_failing_command_says_why_and_where_the_rest_is(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "LOG", tmp_path / "setup.log")
    command = [sys.executable, "-c", "print('ERROR: no room on disk'); raise SystemExit(1)"]
    with pytest.raises(watch.CommandFailed, match="no room on disk") as caught:
        watch.watch(command, "packages")
    assert "setup.log" in str(caught.value)
    assert "no room on disk" in (tmp_path / "setup.log").read_text()


def test_a_stamp_is_json_that_a_person_can_read(checkout):
    setup.write_stamp("llama", {"requirement": "llama-cpp-python==1"})
    assert json.loads((checkout / "stamps" / "llama").read_text())["requirement"]
