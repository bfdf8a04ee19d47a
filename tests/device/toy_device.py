# path: tools/virtual_toy/board
"""Conversations of the whole firmware on the virtual board with a scripted relay."""

import asyncio

import _host
import _wire

from device import toy as toy_module
from device.audio import dsp
from device.light import LOOKS, Look
from device.protocol import unpack_audio_header
from device.states import State
from tests.device.board import PAW, Bench
from tests.device.check import equal, peak

LOUD = bytes([0, 32]) * 320


async def make_ready(**fields):
    bench = Bench()
    connection = await bench.start(**fields)
    hello = await connection.welcome()
    await bench.until_state(State.IDLE)
    return bench, connection, hello


async def test_hello_tells_what_the_relay_must_know():
    _, connection, hello = await make_ready(age=9)
    equal((hello["protocol"], hello["age"], hello["board"]), (1, 9, "esp32-devkit"))
    equal((hello["codecs"], hello["reset"]), (["adpcm"], "power"))
    assert 100 <= hello["buffer_ms"] <= 5000
    equal(connection.headers["authorization"], "Bearer toy.SECRET")


async def test_a_whole_turn():
    bench, connection, _ = await make_ready()
    turn, frames = await bench.ask(connection)
    equal(turn, 1)
    assert len(frames) >= 20, len(frames)
    for expected, frame in enumerate(frames):
        equal((len(frame), unpack_audio_header(frame)), (168, (2, 1, expected)))
    await bench.until_state(State.THINKING)
    await bench.until(lambda: bench.sound_bytes, "the earcon is heard")
    await connection.speak(turn, 30, LOUD)
    played = await connection.receive_message("played")
    equal((played["turn"], played["played_ms"], played["underruns"]), (1, 600, 0))
    await bench.until_state(State.IDLE)
    await asyncio.sleep_ms(100)
    assert bench.sound_bytes >= 30 * 1280, bench.sound_bytes


async def test_turns_count_up():
    bench, connection, _ = await make_ready()
    for expected in (1, 2, 3):
        turn, _ = await bench.ask(connection)
        equal(turn, expected)
        await connection.speak(turn, 3, LOUD)
        await connection.receive_message("played")
        await bench.until_state(State.IDLE)


async def test_turn_numbers_wrap_to_1():
    bench, connection, _ = await make_ready()
    bench.toy._turn = 65535
    equal((await bench.ask(connection))[0], 1)


async def test_tap_to_talk():
    bench, connection, _ = await make_ready()
    await bench.squeeze(150)
    equal((await connection.receive_message("listen"))["mode"], "tap")
    await bench.until(lambda: bench.sound_bytes, "the listening earcon is heard")
    for _ in range(10):
        message = await connection.receive()
        assert isinstance(message, bytes), message
    await connection.send({"type": "endpoint", "turn": 1, "reason": "silence"})
    await bench.until_state(State.THINKING)
    await connection.speak(1, 3)
    await connection.receive_message("played")


async def test_barge_in_falls_silent_and_asks_anew():
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    await connection.send({"type": "speech_start", "turn": turn})
    speaking = asyncio.create_task(connection.send_frames(turn, 0, 200, LOUD, 15))
    await bench.until_state(State.SPEAKING)
    await bench.until(lambda: bench.sound_bytes > 20 * 1280, "speech is heard")
    _host.set_level(PAW, 0)
    await bench.until_state(State.LISTENING)
    sound_bytes = bench.sound_bytes
    await asyncio.sleep_ms(400)
    # One frame may have been waiting for the DMA; nothing that comes after it is played.
    assert bench.sound_bytes - sound_bytes <= 1280, bench.sound_bytes - sound_bytes
    _host.set_level(PAW, 1)
    equal((await connection.receive_message("cancel"))["turn"], turn)
    listen = await connection.receive_message("listen")
    equal((listen["turn"], listen["mode"]), (turn + 1, "hold"))
    await connection.receive_message("listen_end")
    speaking.cancel()


async def test_what_is_left_of_an_old_turn_is_dropped():
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    await connection.send({"type": "speech_start", "turn": turn - 1})
    await connection.send_frames(turn - 1, 0, 5, LOUD)
    await connection.send(
        {"type": "speech_stop", "turn": turn - 1, "reason": "failed", "frames": 5}
    )
    await connection.send({"type": "endpoint", "turn": turn + 1, "reason": "silence"})
    await asyncio.sleep_ms(100)
    equal(bench.toy.state, State.THINKING)
    await connection.speak(turn, 2, LOUD)
    equal((await connection.receive_message("played"))["played_ms"], 40)


async def test_a_reply_sent_at_once_is_played_whole():
    """The toy stops reading when its buffer is full; nothing is lost, however long the story."""
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    await connection.speak(turn, 150, LOUD)
    equal((await connection.receive_message("played"))["played_ms"], 3000)
    equal(bench.toy.speaker.underruns, 0)


async def test_a_pause_of_the_network_is_an_underrun_and_goes_on():
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    await connection.send({"type": "speech_start", "turn": turn})
    await connection.send_frames(turn, 0, 10, LOUD)
    await asyncio.sleep_ms(800)
    await connection.send_frames(turn, 10, 20, LOUD)
    await connection.send({"type": "speech_stop", "turn": turn, "reason": "done", "frames": 20})
    played = await connection.receive_message("played")
    equal((played["played_ms"], played["underruns"]), (400, 1))


async def test_a_reply_before_all_was_heard_is_not_mixed_with_it():
    """Both share one ring, and the end of a squeeze is still being recorded when this comes."""
    bench, connection, _ = await make_ready()
    await bench.squeeze()
    turn = (await connection.receive_message("listen"))["turn"]
    await bench.until_state(State.THINKING)
    await connection.speak(turn, 10, LOUD)
    equal((await connection.receive_message("played"))["played_ms"], 200)
    await bench.until_state(State.IDLE)


async def test_an_empty_reply_ends_the_turn():
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    await connection.speak(turn, 0)
    equal((await connection.receive_message("played"))["played_ms"], 0)
    await bench.until_state(State.IDLE)


async def test_a_failed_reply_is_silent_at_once_and_said_by_the_light():
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    await connection.send({"type": "speech_stop", "turn": turn, "reason": "failed", "frames": 0})
    await bench.until_state(State.IDLE)
    red = LOOKS[Look.ERROR][:3]
    await bench.until(lambda: red in bench.colours, "the light is red")
    await bench.until(lambda: bench.colours[-1] == LOOKS[Look.IDLE][:3], "it is green again")


async def test_no_reply_is_not_waited_for_for_ever():
    toy_module.NO_REPLY_MS = 300
    bench, connection, _ = await make_ready()
    turn, _ = await bench.ask(connection)
    equal((await connection.receive_message("cancel"))["turn"], turn)
    await bench.until_state(State.IDLE)


async def test_sound_travels_as_adpcm():
    bench, connection, _ = await make_ready()
    _, frames = await bench.ask(connection)
    assert frames
    for expected, frame in enumerate(frames):
        equal((len(frame), unpack_audio_header(frame)), (168, (2, 1, expected)))


def decoded(frame):
    """Return the samples of an audio frame."""
    pcm = bytearray(640)
    dsp.adpcm_decode(memoryview(frame)[4:], pcm, 320)
    return pcm


async def test_the_microphone_is_heard():
    """A tone into the microphone arrives at the relay; without one there is only noise."""
    with open("tone.raw", "wb") as file:  # noqa: PTH123, ASYNC230
        for index in range(16000 * 3):
            sample = 8000 if index // 20 % 2 else -8000
            file.write(bytes([sample & 255, sample >> 8 & 255]))
    bench, connection, _ = await make_ready()
    await asyncio.sleep_ms(500)  # the microphone's first 300 ms are thrown away
    _, frames = await bench.ask(connection)
    quiet = max(peak(decoded(frame)) for frame in frames)
    turn = bench.toy._turn
    await connection.speak(turn, 1)
    await bench.until_state(State.IDLE)
    import utime

    _host.set_sound(utime.ticks_us(), "tone.raw")
    _, frames = await bench.ask(connection)
    loud = max(peak(decoded(frame)) for frame in frames)
    assert quiet < 1000 and 6000 < loud < 20000, (quiet, loud)


async def test_a_squeeze_while_away_is_answered_at_once():
    bench, _, _ = await make_ready()
    _host.world["wifi"]["networks"].clear()
    await bench.until_state(State.OFFLINE)
    equal(bench.sound_bytes, 0, "no sound by itself: it may be night")
    await bench.squeeze(100)
    await bench.until(lambda: bench.sound_bytes, "the away earcon is heard")
    equal(bench.toy.state, State.OFFLINE)


async def test_wifi_lost_in_the_middle_of_a_turn_and_back():
    bench, connection, _ = await make_ready()
    networks = list(_host.world["wifi"]["networks"])
    _host.set_level(PAW, 0)
    await connection.receive_message("listen")
    _host.world["wifi"]["networks"].clear()
    await bench.until_state(State.OFFLINE)
    _host.set_level(PAW, 1)
    await bench.until(lambda: bench.sound_bytes, "the away earcon is heard")
    _host.world["wifi"]["networks"].extend(networks)
    connection = await bench.relay.next_connection()
    hello = await connection.welcome()
    assert hello["reconnects"] >= 1, hello
    await bench.until_state(State.IDLE)
    turn, _ = await bench.ask(connection)
    await connection.speak(turn, 3, LOUD)
    await connection.receive_message("played")
    assert _wire.RESET not in bench.kinds


async def test_heap_does_not_grow_from_turn_to_turn():
    import gc

    bench, connection, _ = await make_ready()
    used = []
    for _ in range(6):
        turn, _ = await bench.ask(connection)
        await connection.speak(turn, 10, LOUD)
        await connection.receive_message("played")
        await bench.until_state(State.IDLE)
        bench.kinds.clear()
        bench.colours.clear()
        gc.collect()
        used.append(gc.mem_alloc())
    assert max(used[2:]) - min(used[2:]) < 4096, used
