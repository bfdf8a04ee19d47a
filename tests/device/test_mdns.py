"""The toy's reading of multicast DNS, against python-zeroconf's writing of it and against noise."""

import socket
import struct

from hypothesis import example, given
from hypothesis import strategies as st
from zeroconf import DNSAddress, DNSOutgoing, DNSPointer, DNSService, DNSText
from zeroconf._protocol.incoming import DNSIncoming

from device.mdns import MOST_FOUND, SERVICE, house_key, make_query, read_answer

HOUSE = house_key(b"a certificate")
TYPE = "_bramble._tcp.local."
NAME = f"Bramble {HOUSE}.{TYPE}"
HOST = "bramble.local."
RESPONSE = 0x8400
ME = "192.168.1.20"


def text_of(house):
    entry = f"house={house}".encode()
    return bytes([len(entry)]) + entry


def answer(*, number=7, house=HOUSE, port=8765, addresses=(ME,), name=NAME):
    packet = DNSOutgoing(RESPONSE, multicast=False, id_=number)
    records = [
        DNSPointer(TYPE, 12, 1, 120, name),
        DNSService(name, 33, 1, 120, 0, 0, port, HOST),
        DNSText(name, 16, 1, 120, text_of(house)),
    ]
    for record in records:
        packet.add_answer_at_time(record, 0)
    for address in addresses:
        packet.add_answer_at_time(DNSAddress(HOST, 1, 1, 120, socket.inet_aton(address)), 0)
    (datagram,) = packet.packets()
    return datagram


def test_the_question_is_one_that_others_understand():
    (question,) = DNSIncoming(make_query(7)).questions
    assert (question.name, question.type) == (TYPE, 12)


def test_an_answer_names_house_address_and_port():
    assert read_answer(answer(), 7, ME) == [(HOUSE, ME, 8765)]


def test_where_the_answer_came_from_goes_first():
    found = read_answer(answer(addresses=("172.17.0.1", ME)), 7, ME)
    assert found == [(HOUSE, ME, 8765), (HOUSE, "172.17.0.1", 8765)]
    many = tuple(f"10.0.0.{last}" for last in range(1, 30))
    assert len(read_answer(answer(addresses=many), 7, ME)) == MOST_FOUND


def test_what_is_no_answer_to_the_question_is_passed_over():
    assert read_answer(answer(number=8), 7, ME) == []
    assert read_answer(make_query(7), 7, ME) == []
    assert read_answer(answer(name="x._other._tcp.local."), 7, ME) == []
    for house in ("", "short", "G" * 16, HOUSE + "0"):
        assert read_answer(answer(house=house), 7, ME) == []
    assert read_answer(answer(port=0), 7, ME) == []
    assert read_answer(b"", 7, ME) == []


LOOP = struct.pack(">HHHHHH", 7, RESPONSE, 0, 1, 0, 0) + b"\xc0\x0c"


@given(noise=st.binary(max_size=200), whole=st.booleans())
@example(noise=LOOP, whole=False)
@example(noise=b"\x01a\xc0\x0c", whole=True)
def test_noise_is_no_answer_and_no_crash(noise, whole):
    head = struct.pack(">HHHHHH", 7, RESPONSE, 0, 3, 0, 0) if whole else b""
    assert read_answer(head + noise, 7, ME) == []


@given(data=st.data())
def test_a_damaged_answer_is_read_or_passed_over(data):
    packet = bytearray(answer())
    for _ in range(data.draw(st.integers(1, 5))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    del packet[data.draw(st.integers(0, len(packet))) :]
    for house, address, port in read_answer(bytes(packet), 7, ME):
        assert len(house) == 16 and 0 < port < 65536
        assert len(socket.inet_aton(address)) == 4


def test_the_service_is_written_as_labels():
    labels = [f"{chr(len(label))}{label}" for label in TYPE.rstrip(".").split(".")]
    assert "".join(labels).encode() + b"\0" == SERVICE
