"""What came of trying the settings, in plain words with what to do next.

The words lie beside this file in the flash: a line for each, "code|what went wrong|what to do".
"""

from device.protocol import Close

WORDS = __file__.rsplit("/", 1)[0] + "/failures.txt"


class Verdict:
    """How trying the relay ended; how trying the Wi-Fi ended is a device.wifi_outcome.Outcome."""

    GOOD = "good"
    UNKNOWN_NAME = "unknown name"
    UNREACHABLE = "unreachable"
    NOT_A_RELAY = "not a relay"
    CERTIFICATE = "certificate"
    TOKEN = "token"
    CODE_WRONG = "code wrong"
    CODE_USED = "code used"
    CODE_EXPIRED = "code expired"
    NO_RELAY = "no relay"
    PAIRING_FAILED = "pairing failed"
    NOT_SAVED = "not saved"
    AGE = "age"
    BUSY = "busy"
    NO_WELCOME = "no welcome"


_OF_CLOSE = {
    Close.NOT_AUTHORISED: Verdict.TOKEN,
    Close.AGE_GATE: Verdict.AGE,
    Close.TOO_MANY: Verdict.BUSY,
    Close.FULL: Verdict.BUSY,
}


def of_close(code):
    """Return the Verdict of a connection that the relay closed with `code` instead of welcome."""
    return _OF_CLOSE.get(code, Verdict.NO_WELCOME)


def words_of(verdict):
    """Return (what went wrong, what to do about it) for a Verdict or an Outcome that is bad."""
    with open(WORDS) as file:
        for line in file:
            code, what, advice = line.strip().split("|")
            if code == verdict:
                return what, advice
    raise KeyError(verdict)
