# path: tools/virtual_toy/board
"""What the set-up reads from the air, names and requests: nothing a stranger sends breaks it."""

import struct

from device.backoff import random_below
from device.portal import dns, http
from tests.device.check import equal, raises

OWN = bytes([192, 168, 4, 1])


def question(name=b"\x09captiveme\x03com\x00", kind=1, flags=0x0100, count=1):
    return (
        struct.pack(">HHHHHH", 0x1234, flags, count, 0, 0, 0) + name + struct.pack(">HH", kind, 1)
    )


def test_every_name_is_the_toy():
    asked = question()
    answer = dns.answer(asked, OWN)
    head = struct.unpack_from(">HHHHHH", answer)
    equal(head, (0x1234, 0x8500, 1, 1, 0, 0))
    equal(answer[12 : len(asked)], asked[12:])
    equal(answer[-4:], OWN)


def test_other_records_do_not_exist():
    answer = dns.answer(question(kind=28), OWN)  # AAAA
    equal(struct.unpack_from(">HHHHHH", answer)[3], 0)
    equal(len(answer), len(question()))


def test_what_is_no_question_gets_no_answer():
    for datagram in (
        b"",
        b"\0" * 12,
        question(flags=0x8180),  # an answer
        question(flags=0x0800),  # another operation
        question(count=0),
        question(count=2),
        question(name=b"\xc0\x0c"),  # a pointer, to itself
        question(name=b"\x3f" + b"a" * 20),
        question()[:-1],
        question() + b"\0" * 512,
    ):
        equal(dns.answer(datagram, OWN), None, datagram)


def test_no_datagram_breaks_the_name_server():
    for _ in range(3000):
        datagram = bytearray(question())
        for _ in range(1 + random_below(4)):
            datagram[random_below(len(datagram))] = random_below(256)
        cut = datagram[: random_below(len(datagram) + 1)] if random_below(2) else datagram
        answer = dns.answer(bytes(cut), OWN)
        assert answer is None or len(answer) <= dns.MOST_BYTES


def test_a_request_is_read():
    request = http.parse_head(
        b"POST /try?a=b HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: 12\r\n"
        b"Content-Type: application/x-www-form-urlencoded; charset=UTF-8"
    )
    equal((request.method, request.path, request.length), ("POST", "/try", 12))
    equal(http.parse_head(b"GET / HTTP/1.0").length, 0)


def test_what_is_no_request_is_refused():
    form_type = b"\r\nContent-Type: application/x-www-form-urlencoded"
    for head, status in (
        (b"", 400),
        (b"GET", 400),
        (b"GET / HTTP/2", 400),
        (b"GET http://elsewhere/ HTTP/1.1", 400),
        (b"DELETE / HTTP/1.1", 405),
        (b"GET / HTTP/1.1\r\nno colon", 400),
        (b"GET / HTTP/1.1\r\nbad name: x", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1" + form_type, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1e3" + form_type, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5" + form_type, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9000" + form_type, 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999999" + form_type, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Type: text/plain", 415),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + form_type, 400),
        (b"GET /\xff HTTP/1.1", 400),
    ):
        equal(raises(http.HttpError, http.parse_head, head).status, status, head)


class Pieces:
    """A stream that gives what it holds a few bytes at a time, then ends."""

    def __init__(self, data, size):
        self._data = data
        self._size = size

    async def read(self, count):
        count = min(count, self._size)
        piece, self._data = self._data[:count], self._data[count:]
        return piece


REQUEST = (
    b"POST /try HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 7\r\n\r\nage=7&x"
)


async def test_a_request_comes_in_pieces():
    for size in (1, 2, 3, 7, 500):
        request = await http.read_request(Pieces(REQUEST, size))
        equal(request.body, b"age=7&x")
    for end in range(len(REQUEST)):
        equal(await http.read_request(Pieces(REQUEST[:end], 50)), None)


async def test_a_head_without_end_is_refused():
    try:
        await http.read_request(Pieces(b"GET / HTTP/1.1\r\nX: " + b"x" * 9000, 500))
    except http.HttpError as error:
        equal(error.status, 431)
        return
    raise AssertionError("it was read")
