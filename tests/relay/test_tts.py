"""Speaking, with the real engines: what they say is heard by the real Whisper."""

import asyncio
import difflib
import os
import re
from pathlib import Path

import numpy as np
import pytest

from relay.audio import SPEECH_DBFS, duration_ms, level_dbfs, samples_of
from relay.config import SttSettings, TtsSettings
from relay.errors import EngineError, ModelMissing
from relay.stt.whisper_engine import WhisperEngine
from relay.tts import USUAL, Style
from relay.tts.piper_engine import PiperEngine
from relay.tts.pyttsx3_engine import Pyttsx3Engine, espeak_voice
from relay.urgency import Urgency

MODELS = Path(os.environ["BRAMBLE_MODELS_DIR"])
SENTENCES = (
    "Why is the sky blue?",
    "The rabbit hopped over the fence and ran home.",
    "What sound does a cow make?",
    "Tell me a story about a dragon.",
    "My favorite color is green.",
)


@pytest.fixture(params=["pyttsx3", "piper"])
async def voice(request):
    settings = TtsSettings(engine=request.param, timeout_s=60)
    if request.param == "piper":
        engine = await PiperEngine.load(settings, MODELS)
    else:
        engine = await Pyttsx3Engine.load(settings)
    yield engine
    await engine.close()


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


async def test_what_is_spoken_is_understood(voice):
    engine = await WhisperEngine.load(SttSettings(timeout_s=60), MODELS)
    try:
        spoken, heard = [], []
        for sentence in SENTENCES:
            recognition = engine.start()
            recognition.accept(await voice.speak(sentence))
            heard += words((await recognition.finish()).text)
            spoken += words(sentence)
    finally:
        await engine.close()
    # The smallest Whisper that is any good mishears a word now and then, as people do.
    assert difflib.SequenceMatcher(None, spoken, heard).ratio() > 0.85


async def test_speech_is_trimmed_and_even_and_of_plausible_length(voice):
    pcm = await voice.speak(SENTENCES[1])
    assert 1500 < duration_ms(pcm) < 5000
    samples = samples_of(pcm)
    assert SPEECH_DBFS - 4 < level_dbfs(samples) <= SPEECH_DBFS + 0.5
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 300) / 16
    assert loud[0] < 100
    assert loud[-1] > duration_ms(pcm) - 150


async def test_a_text_without_words_is_silence_and_odd_characters_do_no_harm(voice):
    for nothing in ("", "   ", "...", "!?", "\n\t", "🙂"):
        assert await voice.speak(nothing) == b""
    assert await voice.speak("Hello\x00 there\x1b[2J, 3.5 <bears> & you 🙂 “quoted”")
    with pytest.raises(EngineError, match="too many"):
        await voice.speak("word " * 1000)


async def test_several_sessions_share_one_voice(voice):
    alone = await voice.speak("One.")
    spoken = await asyncio.gather(
        *(voice.speak(text) for text in ("One.", "A much longer sentence than that one.", "One."))
    )
    assert duration_ms(spoken[1]) > duration_ms(spoken[0])
    for short in (spoken[0], spoken[2]):
        assert duration_ms(short) == pytest.approx(duration_ms(alone), abs=250)


async def test_pyttsx3_leaves_no_file_and_no_word_behind(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = await Pyttsx3Engine.load(TtsSettings())
    await engine.speak("A secret.")
    await engine.close()
    assert not list(tmp_path.iterdir())
    printed = capfd.readouterr()
    assert "ecret" not in printed.out + printed.err


async def test_a_sentence_that_nobody_wants_any_more_frees_the_voice_at_once():
    engine = await Pyttsx3Engine.load(TtsSettings())
    monologue = "word " * 390
    whole = duration_ms(await engine.speak(monologue))
    assert whole > 60_000
    unwanted = asyncio.create_task(engine.speak(monologue))
    await asyncio.sleep(0.01)
    unwanted.cancel()
    after = [duration_ms(await engine.speak(SENTENCES[0])) for _ in range(3)]
    await engine.close()
    assert unwanted.cancelled()
    assert min(after) > 500
    assert max(after) < 2500


def test_a_voice_stops_in_the_middle_when_it_is_told_to():
    voice = espeak_voice()
    whole = voice.speak("word " * 100, TtsSettings(), lambda: False)
    looks = iter([False, False, True])
    cut = voice.speak("word " * 100, TtsSettings(), lambda: next(looks, True))
    assert 0 < len(cut) < len(whole) / 10
    # And nothing of it is left in what comes next.
    assert len(voice.speak("One.", TtsSettings(), lambda: False)) < voice.rate * 1.5


async def test_a_first_sentence_is_spoken_before_the_later_ones_of_others():
    engine = await Pyttsx3Engine.load(TtsSettings())
    done = []

    async def speak(name, urgency):
        await engine.speak("word " * 200, urgency=urgency)
        done.append(name)

    later = [asyncio.create_task(speak("later", Urgency.LATER)) for _ in range(4)]
    await asyncio.sleep(0)
    first = asyncio.create_task(speak("first", Urgency.FIRST_SENTENCE))
    await asyncio.gather(*later, first)
    await engine.close()
    # One of the others may have begun already.
    assert "first" in done[:2]


async def test_piper_does_not_log_what_it_says(caplog):
    caplog.set_level("DEBUG")
    engine = await PiperEngine.load(TtsSettings(engine="piper"), MODELS)
    await engine.speak("A secret.")
    await engine.close()
    assert "ecret" not in caplog.text


async def test_speed_follows_the_settings():
    lengths = []
    for speed in (100, 250):
        engine = await Pyttsx3Engine.load(TtsSettings(words_per_minute=speed))
        lengths.append(duration_ms(await engine.speak(SENTENCES[1])))
        await engine.close()
    assert lengths[0] > 1.5 * lengths[1]


async def test_an_unknown_voice_is_refused():
    with pytest.raises(EngineError, match='refuses the voice "nobody"'):
        await Pyttsx3Engine.load(TtsSettings(voice="nobody"))
    # The one espeak-ng of the process still works.
    engine = await Pyttsx3Engine.load(TtsSettings())
    assert await engine.speak("Hello")
    await engine.close()


async def test_a_missing_piper_voice_says_what_to_do(tmp_path):
    with pytest.raises(ModelMissing, match=r"python -m tools\.models get piper-joe"):
        await PiperEngine.load(TtsSettings(engine="piper"), tmp_path)


async def test_one_childs_style_holds_for_its_sentences_only():
    engine = await Pyttsx3Engine.load(TtsSettings(words_per_minute=140))
    try:
        sentence = "The moon goes around the earth."
        # espeak-ng never makes the same samples twice; how long a voice takes tells it apart.
        usual = duration_ms(await engine.speak(sentence))
        for style, low, high in (
            (Style(words_per_minute=90), 1.2, 2.0),
            (Style(voice="fr"), 0.8, 0.96),
            (Style(voice="no-such-voice"), 0.98, 1.02),
            (USUAL, 0.98, 1.02),
        ):
            took = duration_ms(await engine.speak(sentence, style=style))
            assert low <= took / usual <= high, (style, took, usual)
    finally:
        await engine.close()
