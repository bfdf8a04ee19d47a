"""`python -m relay.safety`."""

from pathlib import Path

import pytest

from relay.safety import __main__ as command
from relay.safety.data_files import DATA, MANIFEST, load
from relay.safety.page import replies_page

PAGE = Path(__file__).parents[2] / "docs" / "safety-replies.md"


def test_try(capsys):
    assert command.main(["try", "--age", "5", "I", "want", "to", "die"]) == 0
    shown = capsys.readouterr().out
    assert "block  self_harm" in shown
    assert "alert: self_harm" in shown


def test_try_said(capsys):
    assert command.main(["try", "--said", "Sharks eat fish."]) == 0
    assert capsys.readouterr().out == "allow\n"


def test_seal_and_its_refusal(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    for path in set(DATA.iterdir()) - {DATA / MANIFEST}:
        (folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(command, "DATA", folder)
    monkeypatch.setattr(command.seal, "__defaults__", (folder, None))
    assert command.main(["seal"]) == 0
    assert load(folder) == load()
    broken = folder / "rules_violence.toml"
    broken.write_text('category = "violence"\n')
    sealed = (folder / MANIFEST).read_text()
    assert command.main(["seal"]) == 1
    assert "Not sealed" in capsys.readouterr().err
    assert (folder / MANIFEST).read_text() == sealed


def test_the_page_of_replies_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == replies_page(load()), (
        "run: python -m relay.safety replies --write docs/safety-replies.md"
    )


@pytest.mark.parametrize("arguments", [[], ["try"], ["try", "--age", "2", "hello"]])
def test_wrong_use_is_told(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err
