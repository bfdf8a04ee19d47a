"""A name server that gives every name the toy's own address, so that phones show its page. Pure.

RFC 1035, as much of it as a question for one address needs.
"""

import struct

PORT = 53
MOST_BYTES = 512  # RFC 1035 section 4.2.1

_HEADER = ">HHHHHH"  # id, flags, then how many questions, answers, authorities, additional records
_HEADER_BYTES = 12
_RESPONSE_OR_OTHER_OPCODE = 0xF800
_AUTHORITATIVE_RESPONSE = 0x8400
_RECURSION_DESIRED = 0x0100
_TYPE_A = 1
_CLASS_INTERNET = 1
_LONGEST_LABEL = 63  # above are compression pointers, which no question needs
# The name is that of the question; nobody may remember the answer after leaving (time to live 0).
_RECORD = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04"


def answer(query, address):
    """Return the answer to the datagram `query`, or None when it is not one plain question.

    `address` is 4 bytes. Questions for anything but an IPv4 address get "no such record": the
    phone then asks for that.
    """
    if not _HEADER_BYTES < len(query) <= MOST_BYTES:
        return None
    identity, flags, questions, _, _, _ = struct.unpack_from(_HEADER, query)
    if flags & _RESPONSE_OR_OTHER_OPCODE or questions != 1:
        return None
    position = _HEADER_BYTES
    while query[position]:
        if query[position] > _LONGEST_LABEL:
            return None
        position += 1 + query[position]
        if position >= len(query):
            return None
    end = position + 5
    if end > len(query):
        return None
    wanted = struct.unpack_from(">HH", query, position + 1)
    found = wanted == (_TYPE_A, _CLASS_INTERNET)
    flags = _AUTHORITATIVE_RESPONSE | flags & _RECURSION_DESIRED
    head = struct.pack(_HEADER, identity, flags, 1, 1 if found else 0, 0, 0)
    return head + bytes(query[_HEADER_BYTES:end]) + (_RECORD + address if found else b"")
