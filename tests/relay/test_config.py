import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import LimitSettings, Settings, default_data_dir
from relay.errors import ConfigError
from relay.settings_file import (
    all_settings,
    example_file,
    find_settings_file,
    load_settings,
    reference_table,
    toml_value,
    visible_settings,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch, tmp_path):
    import os

    for variable in list(os.environ):
        if variable.upper().startswith("BRAMBLE_"):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def problems(file):
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    return str(caught.value).split("\n")


def test_defaults_suit_one_home():
    settings = load_settings()
    assert settings.listen.port == 8765
    assert settings.limits.max_toys == 120
    assert settings.store_url == f"sqlite:///{settings.data_dir / 'relay.db'}"


def test_file_goes_before_defaults_and_environment_before_the_file(tmp_path, monkeypatch):
    file = write(tmp_path / "home.toml", "[listen]\nport = 1111\nhost = '127.0.0.1'\n")
    monkeypatch.setenv("BRAMBLE_LISTEN__PORT", "2222")
    settings = load_settings(file)
    assert (settings.listen.port, settings.listen.host) == (2222, "127.0.0.1")


def test_file_is_found_by_option_then_variable_then_folder(tmp_path, monkeypatch):
    assert find_settings_file() is None
    write(tmp_path / "relay.toml", "")
    assert find_settings_file() == Path("relay.toml")
    monkeypatch.setenv("BRAMBLE_CONFIG", "/elsewhere.toml")
    assert find_settings_file() == Path("/elsewhere.toml")
    assert find_settings_file(Path("given.toml")) == Path("given.toml")


def test_every_problem_is_named_at_once_in_plain_words(tmp_path, monkeypatch):
    file = write(
        tmp_path / "bad.toml",
        """
        lissten = 1
        port = 3
        [listen]
        port = 99999
        [stt]
        engine = "voks"
        language = "English"
        [tts]
        words_per_minut = 100
        [limits]
        max_toys = "many"
        """,
    )
    monkeypatch.setenv("BRAMBLE_LOG__LEVEL", "LOUD")
    monkeypatch.setenv("BRAMBLE_MODEL_DIR", "/models")
    found = "\n".join(problems(file))
    for expected in (
        "lissten: there is no such setting; did you mean listen?",
        "port: there is no such setting; did you mean it under [listen] or [parent]?",
        "listen.port: must be at most 65535, and is '99999'",
        "stt.engine: must be one of 'auto', 'vosk' or 'whisper', and is 'voks'",
        "stt.language: is not of the right form",
        "tts.words_per_minut: there is no such setting; did you mean words_per_minute?",
        "limits.max_toys: must be a whole number, and is 'many'",
        "BRAMBLE_LOG__LEVEL: must be one of",
        "BRAMBLE_MODEL_DIR: there is no such setting; did you mean BRAMBLE_MODELS_DIR?",
    ):
        assert expected in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[listen]\ncertificate = 'a.pem'\n", "there is no such setting"),
        ("[limits]\nheartbeat_s = 30\n", "timeout_s must be longer than heartbeat_s"),
        ("[llm]\nengine = 'openai'\n", "base_url is needed"),
        ("listen = 3\n", "must be a section"),
        ("[listen\n", "is not good TOML"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, text, expected):
    assert expected in problems(write(tmp_path / "bad.toml", text))[0]


def test_missing_and_unreadable_files_say_what_to_do(tmp_path):
    assert "settings --example" in problems(tmp_path / "none.toml")[0]
    assert "cannot be read" in problems(tmp_path)[0]
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in problems(tmp_path / "binary.toml")[0]


def test_secrets_are_never_quoted(tmp_path):
    file = write(
        tmp_path / "bad.toml",
        f"[llm]\napi_key = ['{CANARY}']\napi_keys = '{CANARY}'\n[store]\nurl = ['{CANARY}']\n",
    )
    assert CANARY not in "\n".join(problems(file))


def test_secrets_are_hidden_when_shown():
    settings = Settings(
        llm={"api_key": CANARY}, store={"url": f"postgresql+psycopg://me:{CANARY}@host/db"}
    )
    assert CANARY not in repr(settings)
    assert CANARY not in repr(visible_settings(settings))
    assert settings.llm.api_key.get_secret_value() == CANARY


def test_every_example_line_can_be_used_as_it_stands(tmp_path):
    uncommented = re.sub(r"(?m)^# (\w+ = )", r"\1", example_file())
    assert load_settings(write(tmp_path / "relay.toml", uncommented)) == load_settings(
        write(tmp_path / "empty.toml", "")
    )
    assert uncommented.count(" = ") >= len(list(all_settings()))


def test_data_lies_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "bramble"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/invalid")
    assert default_data_dir() == Path.home() / ".local" / "share" / "bramble"


def test_settings_cannot_be_changed_on_the_way():
    with pytest.raises(ValueError):
        Settings().listen.port = 1


def test_operations_manual_lists_every_setting_with_its_default():
    # Out of date? Put the output of `python -m relay settings --markdown` into the manual.
    assert reference_table() in OPERATIONS.read_text(encoding="utf-8")


toml_scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
)
some_names = st.sampled_from([name for _, name, _ in all_settings()]) | st.text(max_size=8)
some_groups = st.sampled_from([group for group, _, _ in all_settings() if group])


@given(
    st.dictionaries(
        some_groups | st.text(max_size=6),
        st.dictionaries(some_names, toml_scalars, max_size=4) | toml_scalars,
        max_size=4,
    )
)
def test_any_file_gives_settings_or_plain_words(values):
    from unittest import mock

    with mock.patch("relay.settings_file._read_toml", return_value=values):
        try:
            settings = load_settings(Path("any.toml"))
        except ConfigError as error:
            assert all(line.count(": ") >= 1 for line in str(error).splitlines())
        else:
            assert isinstance(settings.limits, LimitSettings)


@given(st.text(max_size=30))
def test_toml_values_survive_being_written(text):
    if text.isprintable():
        assert tomllib.loads(f"x = {toml_value(text)}") == {"x": text}
