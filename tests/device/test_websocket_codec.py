"""The WebSocket frame codec on CPython: frames, UTF-8 and close codes, under fuzz."""

import os
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.websocket.closing import is_close_code, pack_close, unpack_close
from device.websocket.errors import ProtocolError
from device.websocket.frames import MAX_HEADER_BYTES, Opcode, Parser, pack_header
from device.websocket.utf8 import Utf8Validator
from tools.bench.on_micropython.dsp_reference import mask

LIMIT = 4096


def server_frame(opcode: int, payload: bytes, final: bool = True, first_bits: int = 0) -> bytes:
    first = (0x80 if final else 0) | first_bits | opcode
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 0x10000:
        return struct.pack(">BBH", first, 126, len(payload)) + payload
    return struct.pack(">BBQ", first, 127, len(payload)) + payload


def parse(data: bytes, chunk: int = LIMIT, limit: int = LIMIT) -> list[tuple[int, bytes]]:
    """Feed `data` in pieces of at most `chunk` bytes; return what came out."""
    parser, found, position = Parser(limit), [], 0
    while position < len(data):
        space = parser.space()
        assert len(space) > 0
        piece = data[position : position + min(chunk, len(space))]
        space[: len(piece)] = piece
        position += len(piece)
        opcode = parser.advance(len(piece))
        if opcode is not None:
            found.append((opcode, bytes(parser.payload)))
    return found


def refused_with(data: bytes, limit: int = LIMIT) -> int:
    with pytest.raises(ProtocolError) as caught:
        parse(data, limit=limit)
    return caught.value.code


messages = st.one_of(
    st.tuples(st.just(Opcode.TEXT), st.text(max_size=600).map(str.encode)),
    st.tuples(st.just(Opcode.BINARY), st.binary(max_size=LIMIT)),
)
controls = st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Messages in any number of fragments, with control frames anywhere between."""
    data, expected = b"", []
    for opcode, payload in draw(st.lists(messages, max_size=4)):
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
        bounds = [0, *cuts, len(payload)]
        for index, (start, end) in enumerate(pairwise(bounds)):
            for control in draw(st.lists(controls, max_size=1)):
                data += server_frame(*control)
                expected.append(control)
            last = index == len(bounds) - 2
            kind = Opcode.CONTINUATION if index else opcode
            data += server_frame(kind, payload[start:end], last)
        expected.append((opcode, payload))
    return data, expected


@given(conversations(), st.integers(1, 700))
def test_messages_survive_any_fragmentation_and_chunking(
    conversation: tuple[bytes, list[tuple[int, bytes]]], chunk: int
) -> None:
    data, expected = conversation
    assert parse(data, chunk) == expected


@given(st.binary(max_size=300), st.integers(1, 50))
def test_garbage_never_does_more_than_raise_a_protocol_error(data: bytes, chunk: int) -> None:
    try:
        parse(data, chunk, limit=64)
    except ProtocolError as error:
        assert error.code in (1002, 1007, 1009)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (server_frame(Opcode.TEXT, b"", first_bits=0x40), 1002),
        (server_frame(0x3, b""), 1002),
        (server_frame(0xB, b""), 1002),
        (server_frame(Opcode.PING, b"", final=False), 1002),
        (server_frame(Opcode.PING, b"x" * 126), 1002),
        (server_frame(Opcode.CONTINUATION, b""), 1002),
        (server_frame(Opcode.TEXT, b"", final=False) + server_frame(Opcode.TEXT, b""), 1002),
        (b"\x81\x80\0\0\0\0", 1002),  # masked
        (b"\x82\x7e\x00\x05hello", 1002),  # length in two bytes where one would do
        (b"\x82\x7f" + bytes(6) + b"\xff\xff", 1002),  # in eight where two would do
        (b"\x82\x7f\x80" + bytes(7), 1009),
        (server_frame(Opcode.BINARY, bytes(LIMIT + 1))[:4], 1009),  # before its payload arrives
        (
            server_frame(Opcode.BINARY, bytes(LIMIT), final=False)
            + server_frame(Opcode.CONTINUATION, b"x"),
            1009,
        ),
        (server_frame(Opcode.TEXT, b"\xce\xba\xe1", final=True), 1007),  # cut character
    ],
)
def test_broken_frames_are_refused(data: bytes, code: int) -> None:
    assert refused_with(data) == code


def test_bad_text_is_refused_at_the_first_impossible_byte() -> None:
    """Not at the end of the frame, which a hostile server could put off for ever."""
    whole = server_frame(Opcode.TEXT, b"\xce\xba\xf4\x90\x80\x80" + b"x" * 100)
    assert refused_with(whole[:6]) == 1007
    assert parse(whole[:5]) == []


def test_a_message_of_exactly_the_limit_fits() -> None:
    payload = os.urandom(LIMIT)
    assert parse(server_frame(Opcode.BINARY, payload)) == [(Opcode.BINARY, payload)]


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


near_utf8 = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=6).map(str.encode),
    st.lists(
        st.sampled_from([b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf",
                         b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5", b"\x80", b"a",
                         "ß".encode(), "€".encode(), "🧸".encode(), b"\xe2\x82", b"\xf0\x9f"]),
        max_size=6,
    ).map(b"".join),
)  # fmt: skip


@given(near_utf8, st.integers(0, 12))
def test_utf8_is_what_cpython_says_it_is(data: bytes, cut: int) -> None:
    validator = Utf8Validator()
    valid = validator.feed(data[:cut]) and validator.feed(data[cut:]) and validator.is_complete()
    assert valid == is_utf8(data)


@given(near_utf8)
def test_utf8_fails_as_early_as_possible(data: bytes) -> None:
    """A prefix is refused exactly when no continuation makes it valid."""
    tails = (b"", b"\x80", b"\x80\x80", b"\x80\x80\x80", b"\xa0\x80", b"\x90\x80\x80")
    for end in range(len(data) + 1):
        possible = any(is_utf8(data[:end] + tail) for tail in tails)
        assert Utf8Validator().feed(data[:end]) == possible


@given(st.binary(max_size=2000), st.integers(1, 999))
def test_frames_packed_in_pieces_unmask_to_the_payload(payload: bytes, piece: int) -> None:
    key, frame = os.urandom(4), bytearray(MAX_HEADER_BYTES + len(payload))
    size = pack_header(frame, Opcode.BINARY, len(payload), key)
    frame[size : size + len(payload)] = payload
    for start in range(0, len(payload), piece):
        mask(frame, size + start, min(piece, len(payload) - start), key, start)
    assert frame[0] == 0x82 and frame[1] & 0x80
    assert bytes(frame[size - 4 : size]) == key
    body = frame[size : size + len(payload)]
    assert bytes(byte ^ key[index % 4] for index, byte in enumerate(body)) == payload


@pytest.mark.parametrize(
    ("length", "front"),
    [(0, "8280"), (125, "82fd"), (126, "82fe007e"), (65535, "82feffff"),
     (65536, "82ff0000000000010000")],
)  # fmt: skip
def test_lengths_take_their_shortest_form(length: int, front: str) -> None:
    frame = bytearray(MAX_HEADER_BYTES)
    size = pack_header(frame, Opcode.BINARY, length, b"\1\2\3\4")
    assert bytes(frame[:size]).hex() == front + "01020304"


@given(st.integers(0, 65535), st.text(max_size=200))
def test_close_frames_round_trip(code: int, reason: str) -> None:
    payload = pack_close(code, reason)
    assert len(payload) <= 125
    if not is_close_code(code):
        with pytest.raises(ProtocolError):
            unpack_close(payload)
        return
    back = unpack_close(memoryview(payload))
    assert back[0] == code
    assert reason.startswith(back[1])
    assert len(reason.encode()) > 123 or back[1] == reason


def test_close_frames_without_a_code_and_broken_ones() -> None:
    assert unpack_close(b"") == (1005, "")
    for payload, code in ((b"\x03", 1002), (b"\x03\xe8\xff", 1007), (b"\x03\xed", 1002)):
        with pytest.raises(ProtocolError) as caught:
            unpack_close(payload)
        assert caught.value.code == code
