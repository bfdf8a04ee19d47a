"""What came of an attempt to connect, told from the codes of the driver. Pure."""

from network import STAT_GOT_IP

# wifi_err_reason_t of esp_wifi_types.h, as WLAN.status() gives it
_PASSWORD_REASONS = (2, 15, 202, 204, 205)  # a weak signal gives them, too
_ABSENT_REASONS = (201,)
_INSECURE_REASONS = (210, 211)  # the driver asks for WPA2 or better where there is a password
_WEAK_REASONS = (212,)
_REFUSED_REASONS = (5, 17, 203)  # 5: too many stations, 203: association failed


class Outcome:
    """How an attempt to connect ended."""

    CONNECTED = "connected"
    WRONG_PASSWORD = "wrong password"
    NOT_FOUND = "not found"
    TOO_WEAK = "signal too weak"
    INSECURE = "not secure enough"
    REFUSED = "refused by the router"
    NO_ADDRESS = "no address from the router"
    TIMED_OUT = "timed out"
    RADIO_FAULT = "radio fault"


def outcome_of(status):
    """Return the Outcome that a value of WLAN.status() settles, or None while it is still open."""
    if status == STAT_GOT_IP:
        return Outcome.CONNECTED
    for reasons, outcome in (
        (_PASSWORD_REASONS, Outcome.WRONG_PASSWORD),
        (_ABSENT_REASONS, Outcome.NOT_FOUND),
        (_INSECURE_REASONS, Outcome.INSECURE),
        (_WEAK_REASONS, Outcome.TOO_WEAK),
        (_REFUSED_REASONS, Outcome.REFUSED),
    ):
        if status in reasons:
            return outcome
    return None
