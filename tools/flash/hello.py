"""Wait for the toy's hello, and say what is wrong when it does not come."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tools.flash.errors import HelloError

TIMEOUT_S = 60  # joining a busy Wi-Fi takes up to 15 s, and a first try may fail
PATIENCE = 3  # times of the same trouble; the toy itself never gives up

_WELCOME = re.compile(r" link: welcome\b")
_GROWN_UP = re.compile(r" app: a grown-up is needed: (?P<why>.*)")
_ERROR = re.compile(r"^(?P<why>\w*(?:Error|Exception)\b.*)")

# What a line means for a person.
_TROUBLES = (
    (
        re.compile(r" wifi: .*wrong password"),
        "The Wi-Fi refuses the password (a very weak signal looks the same). Run this again with "
        "the right one",
    ),
    (
        re.compile(r" wifi: .*not found"),
        "The toy does not see that Wi-Fi. It must be a 2.4 GHz one, its name is case-sensitive, "
        "and the toy has to be in its reach",
    ),
    (
        re.compile(r" wifi: .*not secure enough"),
        "The Wi-Fi has no password, or an old kind of protection. Set the router to WPA2, or WPA2 "
        "and WPA3 mixed",
    ),
    (
        re.compile(r" wifi: .*too weak"),
        "The Wi-Fi is too weak where the toy is: bring it nearer to the router",
    ),
    (
        re.compile(r" wifi: .*(refused|no address|timed out|radio fault)"),
        "The router does not let the toy in, or gives it no address: look for a limit on devices, "
        "a guest network or a MAC filter; WPA3 alone does not work, WPA2 and mixed do",
    ),
    (
        re.compile(r" link: ended code=4401"),
        "The relay does not know the token. Ask for a code with `python -m relay toy pair` and "
        "run this again with --code, or let this tool do it all with --pair NAME",
    ),
    (
        re.compile(r" link: ended code=4403"),
        "The relay asks for an age from 3 to 13: --age N, and `python -m relay toy age`",
    ),
    (
        re.compile(r" link: cannot reach the relay"),
        "The toy is in the Wi-Fi but cannot reach the relay. Is it running (make relay), at this "
        "address and port, and does this computer's firewall let port 8765 in?",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Hello:
    """The toy said hello and was let in: the line it printed then."""

    line: str


def wait_for_hello(lines: Iterable[str], show: Callable[[str], None]) -> Hello:
    """Read the console's `lines` until the relay has welcomed the toy; HelloError says why not.

    Each line goes to `show`. The firmware prints no password, token or word of a child.
    """
    troubles: list[str] = []
    said = 0
    crashed = False
    for line in lines:
        if not line:
            continue
        said += 1
        show(line)
        if _WELCOME.search(line):
            return Hello(line)
        if found := _GROWN_UP.search(line):
            raise HelloError(f"The toy asks for a grown-up: {found['why']}")
        if line.startswith("Traceback"):
            crashed = True
        elif crashed and (found := _ERROR.search(line)):
            raise HelloError(
                f"The firmware stopped with an error: {found['why']}. Is it whole, and MicroPython "
                "new enough (1.28 or later)? Run this again without --keep-micropython"
            )
        troubles += [words for pattern, words in _TROUBLES if pattern.search(line)]
        if any(troubles.count(words) == PATIENCE for words in troubles[-1:]):
            break
    if troubles:
        raise HelloError(troubles[-1])
    if not said:
        raise HelloError("The toy says nothing at all after its restart. Press RESET and try again")
    raise HelloError("The toy runs but has not reached the relay in time; what it said is above")
