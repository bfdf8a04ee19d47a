"""What came of trying the settings, in plain words with what to do next. Pure."""

from device.protocol import Close
from device.wifi_outcome import Outcome


class Verdict:
    """How trying the relay ended; how trying the Wi-Fi ended is a device.wifi_outcome.Outcome."""

    GOOD = "good"
    UNKNOWN_NAME = "unknown name"
    UNREACHABLE = "unreachable"
    NOT_A_RELAY = "not a relay"
    CERTIFICATE = "certificate"
    TOKEN = "token"
    AGE = "age"
    BUSY = "busy"
    NO_WELCOME = "no welcome"


_OF_CLOSE = {
    Close.NOT_AUTHORISED: Verdict.TOKEN,
    Close.AGE_GATE: Verdict.AGE,
    Close.TOO_MANY: Verdict.BUSY,
    Close.FULL: Verdict.BUSY,
}

_WORDS = {
    Outcome.WRONG_PASSWORD: (
        "The Wi-Fi did not take the password.",
        "Mind capital letters. Check the password with another device. A very weak signal looks "
        "the same, so bring the toy closer to the router.",
    ),
    Outcome.NOT_FOUND: (
        "The toy cannot find this Wi-Fi network.",
        "Check its name. The toy hears 2.4 GHz networks only, so switch that band on in the "
        "router, or bring the toy closer.",
    ),
    Outcome.TOO_WEAK: (
        "The Wi-Fi is too weak here.",
        "Bring the toy closer to the router and try again.",
    ),
    Outcome.INSECURE: (
        "This Wi-Fi network has no password worth the name.",
        "Choose another one, or allow it under More.",
    ),
    Outcome.REFUSED: (
        "The router refuses the toy.",
        "Perhaps it has too many devices, allows only those it knows, or wants WPA3 only: set it "
        "to WPA2, or WPA2 and WPA3 mixed.",
    ),
    Outcome.NO_ADDRESS: (
        "The router lets the toy in but gives it no address.",
        "Restart the router, and check that DHCP is switched on in it.",
    ),
    Outcome.TIMED_OUT: (
        "The Wi-Fi does not answer.",
        "Bring the toy closer to the router, or restart the router, and try again.",
    ),
    Outcome.RADIO_FAULT: (
        "The toy's radio had a hiccup.",
        "Try again. If it stays so, switch the toy off and on.",
    ),
    Verdict.UNKNOWN_NAME: (
        "The Wi-Fi works, but there is no computer of the relay's name.",
        "Check the relay's address. If it is a name, try the number instead, like 192.168.1.10.",
    ),
    Verdict.UNREACHABLE: (
        "The Wi-Fi works, but the relay cannot be reached.",
        "Is the relay running on that computer? Is its address right? Both must be in the same "
        "home network, and its firewall must let the toy in. Guest networks often keep devices "
        "apart.",
    ),
    Verdict.NOT_A_RELAY: (
        "Something answers at this address, but it is not the relay.",
        "Check the address and the number after the colon. An address that begins with ws:// "
        "does not fit a relay with a certificate.",
    ),
    Verdict.CERTIFICATE: (
        "The relay's certificate is not the one that the toy was given.",
        "Paste what `python -m relay certificate` prints under More.",
    ),
    Verdict.TOKEN: (
        "The relay does not accept the pairing token.",
        "Copy the whole token. `python -m relay toy add` makes a new one.",
    ),
    Verdict.AGE: (
        "The relay does not accept the child's age.",
        "It must be from 3 to 13, here and on the relay.",
    ),
    Verdict.BUSY: (
        "The relay is there but too busy.",
        "Wait a minute and try again.",
    ),
    Verdict.NO_WELCOME: (
        "The relay answered but did not let the toy in.",
        "Look at what the relay says on its computer, then try again.",
    ),
}


def of_close(code):
    """Return the Verdict of a connection that the relay closed with `code` instead of welcome."""
    return _OF_CLOSE.get(code, Verdict.NO_WELCOME)


def words_of(verdict):
    """Return (what went wrong, what to do about it) for a Verdict or an Outcome that is bad."""
    return _WORDS[verdict]
