"""Listening, with the real engines and real models: Whisper in English, Vosk in Korean."""

import asyncio
import contextlib
import gc
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio import BYTES_PER_MS, SAMPLE_RATE, duration_ms, pcm_of
from relay.config import SttSettings, TtsSettings
from relay.errors import EngineBusy, EngineError, ModelMissing
from relay.stt import Transcript
from relay.stt.repetition import loop_start
from relay.stt.utterance import MAX_UTTERANCE_MS, Utterances
from relay.stt.voice import CHUNK_BYTES, VoicedSound
from relay.stt.vosk_engine import VoskEngine, join_parts
from relay.stt.whisper_engine import WhisperEngine
from relay.tts.pyttsx3_engine import Pyttsx3Engine

MODELS = Path(os.environ["BRAMBLE_MODELS_DIR"])
FRAME = 20 * BYTES_PER_MS


def words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))


def noise(ms: int, amplitude: int) -> bytes:
    generator = np.random.default_rng(7)
    return pcm_of((generator.standard_normal(ms * 16) * amplitude).astype(np.int16))


def hum(ms: int, hz: float, amplitude: int = 4000) -> bytes:
    t = np.arange(ms * 16) / SAMPLE_RATE
    return pcm_of((np.sin(2 * np.pi * hz * t) * amplitude).astype(np.int16))


def silence(ms: int) -> bytes:
    return bytes(ms * BYTES_PER_MS)


async def hear(engine, pcm: bytes):
    """Give an engine sound as a toy does, frame by frame, as fast as it comes."""
    recognition = engine.start()
    for start in range(0, len(pcm), FRAME):
        recognition.accept(pcm[start : start + FRAME])
        await asyncio.sleep(0)
    return await recognition.finish()


@contextlib.asynccontextmanager
async def voice(**settings):
    engine = await Pyttsx3Engine.load(TtsSettings(**settings))
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def whisper(**settings):
    engine = await WhisperEngine.load(SttSettings(timeout_s=60, **settings), MODELS)
    try:
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def vosk(grammar=None, **settings):
    settings = SttSettings(vosk_model="vosk-ko", language="ko", timeout_s=60, **settings)
    engine = await VoskEngine.load(settings, MODELS, grammar=grammar)
    try:
        yield engine
    finally:
        await engine.close()


async def test_whisper_hears_questions_of_any_length_in_order_and_silence_and_noise_as_nothing():
    async with whisper() as engine, voice() as speaker:
        assert engine.name == "whisper whisper-base"
        blue = await speaker.speak("Why is the sky blue?")
        cow = await speaker.speak("What sound does a cow make?")
        story = await speaker.speak(
            "Tell me a story about a little dragon who was afraid of the dark and the moon."
        )

        heard = await hear(engine, silence(300) + blue + silence(500))
        assert words(heard.text) == "why is the sky blue"
        assert heard.confidence > 0.5

        # More than one window of 30 s, and every sentence is there.
        pause = silence(700)
        long = pause.join([blue, cow, story] * 5)
        assert duration_ms(long) > 32_000
        heard = await hear(engine, long)
        for question in ("why is the sky blue", "what sound does a cow make", "afraid of the dark"):
            assert words(heard.text).count(question) == 5

        for nothing in (
            b"",
            silence(3000),
            noise(3000, 30),
            noise(3000, 3000),
            hum(3000, 100),
            hum(3000, 440),
            noise(40, 8000) + silence(2000),
        ):
            assert (await hear(engine, nothing)).text == ""


async def test_whisper_serves_several_toys_at_once_and_forgets_who_left():
    async with whisper(max_waiting=3) as engine, voice() as speaker:
        blue = await speaker.speak("Why is the sky blue?")
        cow = await speaker.speak("What sound does a cow make?")
        gone = engine.start()
        gone.accept(cow)
        with pytest.raises(EngineBusy):
            for _ in range(3):
                engine.start()
        gone.cancel()
        gone.accept(cow)
        assert (await gone.finish()).text == ""

    async with whisper() as engine, voice() as speaker:
        heard = await asyncio.gather(*(hear(engine, pcm) for pcm in (blue, cow, blue)))
        assert [words(each.text).split()[0] for each in heard] == ["why", "what", "why"]


async def test_vosk_hears_words_of_a_grammar_and_several_toys_share_its_model():
    grammar = ["나비", "물", "아버지", "이야기"]
    async with vosk(grammar) as engine, voice(voice="ko", words_per_minute=130) as speaker:
        assert engine.name == "vosk vosk-ko"
        sounds = [silence(200) + await speaker.speak(word) + silence(500) for word in grammar]
        heard = await asyncio.gather(*(hear(engine, pcm) for pcm in sounds))
        assert [each.text for each in heard] == grammar
        assert all(0 < each.confidence <= 1 for each in heard)
        assert (await hear(engine, silence(2000))).text == ""
        assert (await hear(engine, b"")).text == ""


async def test_vosk_hears_anything_in_open_vocabulary_with_further_hypotheses():
    async with vosk() as engine, voice(voice="ko", words_per_minute=130) as speaker:
        heard = await hear(engine, await speaker.speak("아버지와 어머니"))
        assert heard.text
        assert heard.text not in heard.alternatives
        assert len(set(heard.alternatives)) == len(heard.alternatives) > 0


async def test_sound_may_come_in_any_pieces():
    async with whisper() as engine, voice() as speaker:
        pcm = await speaker.speak("What sound does a cow make?")
        at_once = engine.start()
        at_once.accept(pcm)
        in_crumbs = engine.start()
        for start in range(0, len(pcm), 34):
            in_crumbs.accept(pcm[start : start + 34])
        assert (await at_once.finish()).text == (await in_crumbs.finish()).text != ""


class Broken:
    """A decoder that fails at its first sound."""

    ripe = False

    def feed(self, _model, _pcm):
        raise ValueError("what was heard")

    def finish(self, _model, _cancelled):
        return Transcript("never")


async def test_an_engine_that_fails_in_the_middle_says_so_at_the_end_and_makes_room(caplog):
    utterances = Utterances("stt.test", object, most=1, timeout_s=30)
    utterance = utterances.start(Broken())
    utterance.accept(silence(200))
    with pytest.raises(EngineError, match="ValueError"):
        await utterance.finish()

    abandoned = utterances.start(Broken())
    abandoned.accept(silence(200))
    await utterances.worker.call(lambda _model, _cancelled: None, timeout_s=30)
    abandoned.cancel()
    utterances.start(Broken()).cancel()
    await utterances.worker.close()
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_sound_without_end_is_kept_in_bounded_memory():
    class Counter:
        heard = 0

        ripe = False

        def feed(self, _model, pcm):
            self.heard += len(pcm)

        def finish(self, _model, _cancelled):
            return Transcript("")

    utterances = Utterances("stt.test", object, most=1, timeout_s=30)
    counter = Counter()
    utterance = utterances.start(counter)
    for _ in range(200):
        utterance.accept(silence(1000))
    await utterance.finish()
    assert counter.heard == MAX_UTTERANCE_MS * BYTES_PER_MS
    await utterances.worker.close()


@pytest.mark.parametrize("load", [WhisperEngine.load, VoskEngine.load])
async def test_a_model_that_is_missing_or_damaged_says_what_to_do(load, tmp_path):
    with pytest.raises(ModelMissing, match=r"python -m tools\.models get (whisper|vosk)"):
        await load(SttSettings(), tmp_path)

    for name in ("whisper-base", "vosk-small-en"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(b"short")
        (tmp_path / name / "manifest.json").write_text(
            '{"files": {"model.bin": {"size": 1000, "sha256": "00"}}}'
        )
    with pytest.raises(ModelMissing, match=r"damaged .*model\.bin has 5 bytes instead of 1000"):
        await load(SttSettings(), tmp_path)


async def test_whisper_refuses_a_language_that_its_model_does_not_know():
    with pytest.raises(EngineError, match="language"):
        await WhisperEngine.load(SttSettings(language="xx"), MODELS)


def test_voice_is_found_and_long_speech_is_cut_between_words():
    sound = VoicedSound()
    sound.add(silence(1000))
    assert sound.spans(10) == []
    assert not sound.paused
    sound.add(noise(1000, 3000))
    assert sound.spans(10) == []
    assert not sound.paused


def test_windows_are_cut_where_there_is_least_voice():
    sound = VoicedSound()
    chunks = 2000  # 64 s
    sound._sound = bytearray(CHUNK_BYTES * chunks)
    sound._voice = [0.9] * chunks
    for at in (700, 1500):
        sound._voice[at : at + 9] = [0.0] * 9
    spans = sound.spans(28)
    cuts = [end // 512 for _start, end in spans]
    assert 700 <= cuts[0] < 709
    assert 1500 <= cuts[1] < 1509
    assert cuts[2] == chunks
    assert [start for start, _end in spans] == [0, *(end for _start, end in spans[:-1])]
    assert all(end - start <= 28 * SAMPLE_RATE for start, end in spans)
    assert len(sound.samples(spans[1])) == spans[1][1] - spans[1][0]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], None),
        ([1, 2, 3, 4], None),
        ([5, 5, 5], None),  # "no, no, no"
        ([5, 5, 5, 5], 1),
        ([1, 2, 1, 2, 1, 2], None),
        ([9, 1, 2, 1, 2, 1, 2, 1, 2], 3),
        ([9, 1, 2, 3, 1, 2, 3, 1, 2, 3], 4),
        ([9, 1, 2, 3, 1, 2, 3], None),
        ([9, *range(20, 30), *range(20, 30)], None),  # said twice: a child may
        ([9, *range(20, 30), *range(20, 30), 20, 21], 11),  # and cut off in the third
        ([9, *range(20, 30), *range(20, 30), 5], None),
    ],
)
def test_a_loop_is_told_from_a_child_who_insists(tokens, expected):
    assert loop_start(tokens) == expected


@given(st.lists(st.integers(0, 3), max_size=40))
def test_what_is_left_before_a_loop_does_not_loop_sooner(tokens):
    start = loop_start(tokens)
    assert start is None or 0 < start < len(tokens)


def test_parts_are_joined_with_alternatives_that_differ_in_one_part():
    transcript = join_parts(
        [[("hello", 10.0), ("hallo", 9.0)], [("bear [unk]", 5.0), ("pear", 5.0), ("bear", 1.0)]]
    )
    assert transcript.text == "hello bear"
    assert transcript.alternatives == ("hallo bear", "hello pear")
    assert transcript.confidence == pytest.approx(0.495, abs=0.01)
    assert join_parts([]).text == ""
