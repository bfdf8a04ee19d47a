"""What has been said so far, while a child may still be speaking."""

import asyncio
import os
import re
import threading
from pathlib import Path

import pytest

from relay.audio import BYTES_PER_MS, duration_ms
from relay.config import SttSettings, TtsSettings
from relay.errors import EngineError
from relay.stt import Transcript
from relay.stt.utterance import Utterances
from relay.stt.vosk_engine import VoskEngine
from relay.stt.whisper_engine import LONGEST_AHEAD_S, WhisperEngine
from relay.stt.whisper_model import _generate, recognise
from relay.tts.pyttsx3_engine import Pyttsx3Engine
from relay.urgency import Urgency

MODELS = Path(os.environ["BRAMBLE_MODELS_DIR"])
LONG = 30.0


def silence(ms: int) -> bytes:
    return bytes(ms * BYTES_PER_MS)


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


async def spoken(*sentences: str, **settings) -> list[bytes]:
    voice = await Pyttsx3Engine.load(TtsSettings(**settings))
    sounds = [await voice.speak(each) for each in sentences]
    await voice.close()
    return sounds


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("incremental", [True, False])
async def test_whisper_tells_what_was_said_so_far_and_goes_on(incremental):
    blue, story = await spoken("Why is the sky blue?", "Tell me a story about a little dragon.")
    settings = SttSettings(incremental=incremental, timeout_s=60)
    engine = await WhisperEngine.load(settings, MODELS)
    try:
        recognition = engine.start()
        assert (await recognition.so_far()).text == ""
        recognition.accept(silence(300) + blue + silence(200))
        first = await recognition.so_far()
        assert words(first.text) == words("why is the sky blue")
        assert first.confidence > 0.5

        recognition.accept(silence(800))
        assert await recognition.so_far() == first
        recognition.accept(story + silence(400))
        both = await recognition.finish()
        assert words(both.text) == words(
            "why is the sky blue tell me a story about a little dragon"
        )
        assert (await recognition.so_far()).text == ""
    finally:
        await engine.close()


async def test_whisper_recognises_in_the_pause_and_never_the_same_sound_twice(monkeypatch):
    looks = []

    def counted(*arguments):
        looks.append(1)
        return recognise(*arguments)

    monkeypatch.setattr("relay.stt.whisper_engine.recognise", counted)
    (blue,) = await spoken("Why is the sky blue?")
    engine = await WhisperEngine.load(SttSettings(timeout_s=60), MODELS)
    try:
        recognition = engine.start()
        for start in range(0, len(blue), 640):
            recognition.accept(blue[start : start + 640])
        while not looks:
            recognition.accept(silence(100))
            await asyncio.sleep(0.01)
        recognition.accept(silence(500))
        assert (await recognition.so_far()).text
        made = len(looks)
        recognition.accept(silence(500))
        assert words((await recognition.finish()).text) == words("why is the sky blue")
        assert len(looks) == made
    finally:
        await engine.close()


async def test_whisper_loses_no_word_when_it_looks_all_the_time(monkeypatch):
    looks, generated = [], []

    def counted(calls, function):
        return lambda *arguments: calls.append(1) or function(*arguments)

    monkeypatch.setattr("relay.stt.whisper_engine.recognise", counted(looks, recognise))
    monkeypatch.setattr("relay.stt.whisper_model._generate", counted(generated, _generate))
    said = ["Where does the rain come from?", "Can you tell me a story about a little dragon?"]
    engine = await WhisperEngine.load(SttSettings(timeout_s=60), MODELS)
    try:
        for question, sound in zip(said, await spoken(*said), strict=True):
            recognition = engine.start()
            looks.clear()
            generated.clear()
            for start in range(0, len(sound), 100 * BYTES_PER_MS):
                recognition.accept(sound[start : start + 100 * BYTES_PER_MS])
                await recognition.so_far()
            assert words((await recognition.finish()).text) == words(question)
            assert 0 < len(generated) < len(looks)  # what still holds is only confirmed
    finally:
        await engine.close()


async def test_whisper_leaves_a_long_tale_for_the_end():
    (story,) = await spoken("Tell me a story about a little dragon.")
    engine = await WhisperEngine.load(SttSettings(timeout_s=60), MODELS)
    try:
        recognition = engine.start()
        said = -(-LONGEST_AHEAD_S * 1000 // duration_ms(story))
        recognition.accept((story + silence(300)) * int(said))
        assert (await recognition.so_far()).text == ""
        assert "little dragon" in (await recognition.finish()).text
    finally:
        await engine.close()


async def test_vosk_tells_what_was_said_so_far_and_goes_on():
    grammar = ["나비", "아버지", "이야기"]
    father, butterfly = await spoken("아버지", "나비", voice="ko", words_per_minute=130)
    settings = SttSettings(vosk_model="vosk-ko", language="ko", timeout_s=60)
    engine = await VoskEngine.load(settings, MODELS, grammar=grammar)
    try:
        recognition = engine.start()
        assert (await recognition.so_far()).text == ""
        recognition.accept(silence(200) + father + silence(600))
        so_far = await recognition.so_far()
        assert so_far.text == "아버지"
        assert 0 < so_far.confidence <= 1
        recognition.accept(silence(800) + butterfly + silence(600))
        assert (await recognition.so_far()).text == "아버지 나비"
        assert (await recognition.finish()).text == "아버지 나비"
    finally:
        await engine.close()


class Ears:
    """A decoder that counts what it is asked for, and can be made to wait or to fail."""

    def __init__(self) -> None:
        self.heard = b""
        self.asked: list[int] = []
        self.given_up = 0
        self.ripe = False
        self.fails = False
        self.waits = threading.Event()
        self.waits.set()
        self.begun = threading.Event()

    def feed(self, _model, pcm):
        if self.fails:
            raise ValueError("what was heard")
        self.heard += pcm

    def so_far(self, _model, cancelled):
        self.begun.set()
        while not self.waits.wait(0.005):
            if cancelled.is_set():
                self.given_up += 1
                return Transcript("")
        self.asked.append(len(self.heard))
        self.ripe = False
        return Transcript(str(len(self.heard)))

    finish = so_far


@pytest.fixture
async def engine():
    utterances = Utterances("stt.test", object, most=4, timeout_s=LONG, ahead=True)
    yield utterances
    await utterances.worker.close()


async def test_a_transcript_is_made_ahead_when_the_child_pauses_and_nobody_needs_the_engine(engine):
    ears = Ears()
    utterance = engine.start(ears)
    utterance.accept(silence(200))
    await engine.worker.call(lambda *_: None, timeout_s=LONG)
    assert ears.asked == []
    ears.ripe = True
    utterance.accept(silence(200))
    await until(lambda: ears.asked == [len(silence(400))])
    await utterance.finish()
    assert ears.asked == [len(silence(400))] * 2


async def test_work_ahead_makes_way_for_another_child_who_waits(engine):
    early, other = Ears(), Ears()
    early.ripe = True
    early.waits.clear()
    speaking = engine.start(early)
    speaking.accept(silence(200))
    await asyncio.to_thread(early.begun.wait, LONG)
    waiting = engine.start(other)
    waiting.accept(silence(100))
    assert (await waiting.finish()).text == str(len(silence(100)))
    assert early.given_up == 1
    # Nothing of what the first one said was lost.
    early.waits.set()
    speaking.accept(silence(50))
    assert (await speaking.finish()).text == str(len(silence(250)))


async def test_partial_words_are_there_for_whoever_holds_nobody_up(engine):
    ears, other = Ears(), Ears()
    utterance = engine.start(ears)
    utterance.accept(silence(50))
    assert (await utterance.partial()).text == str(len(silence(50)))

    other.waits.clear()
    busy = asyncio.create_task(engine.start(other).finish())
    await asyncio.to_thread(other.begun.wait, LONG)
    assert (await utterance.partial()).text == ""
    other.waits.set()
    await busy


async def test_partial_words_make_way_for_the_whole(engine):
    ears = Ears()
    ears.waits.clear()
    utterance = engine.start(ears)
    utterance.accept(silence(50))
    partial = asyncio.create_task(utterance.partial())
    await asyncio.to_thread(ears.begun.wait, LONG)
    partial.cancel()
    whole = asyncio.create_task(utterance.finish())
    await until(lambda: ears.given_up == 1)
    ears.waits.set()
    assert (await whole).text == str(len(silence(50)))


async def test_asking_again_and_again_and_walking_away_frees_the_engine(engine):
    ears = Ears()
    ears.waits.clear()
    utterance = engine.start(ears)
    utterance.accept(silence(200))
    asked = [asyncio.create_task(utterance.so_far()) for _ in range(3)]
    await asyncio.to_thread(ears.begun.wait, LONG)
    for task in asked:
        task.cancel()
    await asyncio.wait(asked)
    await engine.worker.call(lambda *_: None, timeout_s=LONG)
    assert ears.given_up == 1
    ears.waits.set()
    results = await asyncio.gather(utterance.so_far(), utterance.so_far(), utterance.finish())
    assert {each.text for each in results} == {str(len(silence(200)))}
    assert engine.under_way == set()


async def test_whoever_asks_after_a_part_was_lost_hears_of_it(engine):
    ears = Ears()
    ears.fails = True
    utterance = engine.start(ears)
    utterance.accept(silence(200))
    with pytest.raises(EngineError, match="ValueError"):
        await utterance.so_far()
    ears.fails = False
    utterance.accept(silence(200))
    with pytest.raises(EngineError, match="ValueError") as raised:
        await utterance.finish()
    assert "heard" not in str(raised.value)


async def test_an_ended_question_is_recognised_before_a_guess_and_both_before_what_still_comes(
    engine,
):
    release, done = threading.Event(), []
    busy = asyncio.create_task(engine.worker.call(lambda *_: release.wait(LONG), timeout_s=LONG))
    await until(lambda: engine.worker.unfinished == 1)
    late = asyncio.create_task(
        engine.worker.call(
            lambda *_: done.append("ahead"), timeout_s=LONG, urgency=Urgency.BACKGROUND
        )
    )
    ended, guessed = engine.start(Ears()), engine.start(Ears())

    async def note(name, transcript):
        await transcript
        done.append(name)

    tasks = [asyncio.create_task(note("guess", guessed.so_far()))]
    await until(lambda: engine.worker.unfinished == 3)
    tasks.append(asyncio.create_task(note("end", ended.finish())))
    await until(lambda: engine.worker.unfinished == 4)
    release.set()
    await asyncio.gather(busy, late, *tasks)
    assert done.index("end") < done.index("guess")
