"""As much of multicast DNS (RFC 6762, RFC 6763) as finding a relay takes. Pure."""

import binascii
import hashlib
import struct

GROUP = "224.0.0.251"
PORT = 5353
SERVICE = b"\x08_bramble\x04_tcp\x05local\x00"
# In the TXT record: the first digits of the SHA-256 of the house's certificate.
KEY_NAME = b"house="
KEY_DIGITS = 16
MOST_BYTES = 1472  # of a datagram that comes in one piece
MOST_RECORDS = 40
MOST_FOUND = 8

_HEADER = ">HHHHHH"  # id, flags, then how many questions, answers, authorities, additional records
_HEADER_BYTES = 12
_RESPONSE = 0x8000
_TYPE_A, _TYPE_PTR, _TYPE_TXT, _TYPE_SRV = 1, 12, 16, 33
_CLASS_INTERNET = 1
_LONGEST_LABEL = 63
_LONGEST_NAME = 255


def house_key(certificate):
    """Return what an announcement says of the house with this certificate, in DER."""
    return binascii.hexlify(hashlib.sha256(certificate).digest()).decode()[:KEY_DIGITS]


def make_query(number):
    """Return the question for relays, a datagram; `number` is its id, to know the answers by."""
    head = struct.pack(_HEADER, number, 0, 1, 0, 0, 0)
    return head + SERVICE + struct.pack(">HH", _TYPE_PTR, _CLASS_INTERNET)


def read_answer(packet, number, source):
    """Return [(house, address, port)] of the relays in the datagram `packet` from `source`.

    The address that an answer came from is the one that can be reached; those it names come after
    it. Anything that is no answer to the question gives [].
    """
    try:
        return _read(memoryview(packet), number, source)
    except (ValueError, IndexError):  # cut off, or never whole
        return []


def _read(packet, number, source):
    if len(packet) < _HEADER_BYTES:
        return []
    identity, flags, questions, *counts = struct.unpack_from(_HEADER, packet)
    if identity not in (0, number) or not flags & _RESPONSE or sum(counts) > MOST_RECORDS:
        return []
    position = _HEADER_BYTES
    for _ in range(min(questions, MOST_RECORDS)):
        position = _read_name(packet, position)[1] + 4
    ports, houses, addresses = {}, {}, [source]
    for _ in range(sum(counts)):
        name, position = _read_name(packet, position)
        if position + 10 > len(packet):
            raise ValueError("cut off")
        kind, _, _, size = struct.unpack_from(">HHIH", packet, position)
        position += 10
        content = bytes(packet[position : position + size])
        if len(content) < size:
            raise ValueError("cut off")
        position += size
        if kind == _TYPE_A and size == 4:
            address = "%d.%d.%d.%d" % tuple(content)
            if address not in addresses:
                addresses.append(address)
        elif name.endswith(SERVICE[:-1]):
            if kind == _TYPE_SRV and size > 6:
                ports[name] = struct.unpack_from(">H", content, 4)[0]
            elif kind == _TYPE_TXT:
                houses[name] = _read_house(content)
    found = []
    for name, port in ports.items():
        house = houses.get(name)
        if house and port:
            found.extend((house, address, port) for address in addresses)
    return found[:MOST_FOUND]


def _read_name(packet, position):
    """Return a name as length-prefixed labels, and the position behind it."""
    name = b""
    end = None  # behind the first pointer
    while True:
        length = packet[position]
        if length > _LONGEST_LABEL:
            if length < 0xC0:
                raise ValueError("no label")
            target = (length & 0x3F) << 8 | packet[position + 1]
            end = end or position + 2
            if target >= position:  # only ever backwards, so that no packet can go round in circles
                raise ValueError("a pointer forwards")
            position = target
            continue
        position += 1
        if not length:
            return name, end or position
        name += bytes(packet[position - 1 : position + length])
        position += length
        if len(name) > _LONGEST_NAME:
            raise ValueError("a name is too long")


def _read_house(content):
    """Return the relay's house, in hex digits, from a TXT record; None if it does not say."""
    position = 0
    while position < len(content):
        end = position + 1 + content[position]
        text = content[position + 1 : end]
        if text.startswith(KEY_NAME) and len(text) == len(KEY_NAME) + KEY_DIGITS:
            digits = text[len(KEY_NAME) :]
            if all(digit in b"0123456789abcdef" for digit in digits):
                return digits.decode()
        position = end
    return None
