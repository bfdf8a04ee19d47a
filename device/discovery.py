"""Find a relay in the home network by asking everybody: multicast DNS (RFC 6762). Loaded only then.

One question from a port of its own, so that the answers come to the toy alone (section 6.7). What
an answer says is not believed: the relay has to prove who it is, and a false answer costs time.
"""

import asyncio
import os
import socket
import time

from device import mdns

TIMEOUT_MS = 1500
ASK_EVERY_MS = 500
POLL_MS = 50
MOST_PACKETS = 16


async def find_house(certificate):
    """Return (address, port) of the relay whose house has this certificate, or None."""
    try:
        found = await find(mdns.house_key(certificate))
    except OSError:  # no network, perhaps only for a moment
        return None
    return found[0][1:] if found else None


async def find(house=None, group=(mdns.GROUP, mdns.PORT)):
    """Return [(house, address, port)] of the relays that answer, at most mdns.MOST_FOUND.

    With `house` only that one counts, and the search ends with its first answer. OSError when the
    network cannot be asked.
    """
    found = []
    number = int.from_bytes(os.urandom(2), "big")
    query = mdns.make_query(number)
    address = socket.getaddrinfo(*group)[0][-1]
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asker.setblocking(False)
        began_ms = asked_ms = time.ticks_ms()
        asker.sendto(query, address)
        packets = 0
        while time.ticks_diff(time.ticks_ms(), began_ms) < TIMEOUT_MS and packets < MOST_PACKETS:
            await asyncio.sleep_ms(POLL_MS)
            if time.ticks_diff(time.ticks_ms(), asked_ms) >= ASK_EVERY_MS:
                asked_ms = time.ticks_ms()
                asker.sendto(query, address)
            try:
                packet, peer = asker.recvfrom(mdns.MOST_BYTES)
            except OSError:  # nothing yet (EAGAIN)
                continue
            packets += 1
            for one in mdns.read_answer(packet, number, _text_of(peer)):
                if one not in found and (house is None or one[0] == house):
                    found.append(one)
            if found and house is not None:
                break
    finally:
        asker.close()
    return found[: mdns.MOST_FOUND]


def _text_of(peer):
    """Return the IPv4 address of a peer; the unix port gives a raw sockaddr instead of a tuple."""
    return "%d.%d.%d.%d" % tuple(peer[4:8]) if isinstance(peer, (bytes, bytearray)) else peer[0]
