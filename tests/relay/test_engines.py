"""Which engines the settings choose, and what is said when they cannot be had."""

import os
from pathlib import Path

import pytest

from relay.config import Settings, SttSettings
from relay.engines import choose_stt, load_engines
from relay.errors import EngineError, ModelMissing

MODELS = Path(os.environ["BRAMBLE_MODELS_DIR"])


async def test_the_default_settings_load_engines_that_work_together():
    engines = await load_engines(Settings(models_dir=MODELS))
    try:
        assert engines.llm.name == "llama smollm2-135m-instruct"
        assert engines.tts.name.startswith("pyttsx3 ")
        assert engines.stt.name.split()[0] == choose_stt(SttSettings(), MODELS)
        recognition = engines.stt.start()
        recognition.accept(await engines.tts.speak("Hello."))
        assert (await recognition.finish()).text
    finally:
        await engines.close()
    with pytest.raises(EngineError):
        await engines.tts.speak("Hello.")


async def test_everything_that_is_missing_is_said_at_once(tmp_path):
    with pytest.raises(ModelMissing) as raised:
        await load_engines(Settings(models_dir=tmp_path, tts={"engine": "piper"}))
    said = str(raised.value)
    for name in ("whisper-base", "smollm2-135m-instruct", "piper-joe"):
        assert f"python -m tools.models get {name}" in said


async def test_what_was_loaded_is_freed_when_another_engine_fails(tmp_path):
    with pytest.raises(EngineError, match="nobody"):
        await load_engines(Settings(models_dir=MODELS, tts={"voice": "nobody"}))


def test_auto_takes_vosk_where_its_model_is_there(tmp_path, caplog):
    caplog.set_level("INFO")
    assert choose_stt(SttSettings(), tmp_path) == "whisper"
    assert "vosk-small-en" in caplog.text
    (tmp_path / "vosk-small-en").mkdir()
    (tmp_path / "vosk-small-en" / "manifest.json").write_text("{}")
    assert choose_stt(SttSettings(), tmp_path) == "vosk"
    assert choose_stt(SttSettings(engine="whisper"), tmp_path) == "whisper"
