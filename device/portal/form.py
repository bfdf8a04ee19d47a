"""From the form that a phone sends to settings, or to what is wrong in plain words. Pure."""

from device.night import minute_of
from device.pairing_proof import clean_code
from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from device.settings import (
    LONGEST_SLEEP_MINUTES,
    MOST_NETWORKS,
    RelayAddress,
    Settings,
    SettingsError,
)
from device.websocket.utf8 import Utf8Validator
from device.wifi_scan import INSECURE

MOST_FIELDS = 20
LONGEST_NAME = 32  # bytes
LONGEST_VALUE = 6000  # bytes; a certificate

DEFAULT_PORT = 8765  # what the relay listens on when nobody says otherwise
DEFAULT_PATH = "/toy"

_MISSING = "which needs relay_certificate"  # in what device.settings says
_HEX_DIGITS = b"0123456789abcdefABCDEF"


class FormError(Exception):
    """The body is not a form of ours."""


def parse(body):
    """Return {name: value} of a body in application/x-www-form-urlencoded, or FormError."""
    fields = {}
    pairs = bytes(body).split(b"&", MOST_FIELDS)
    if len(pairs) > MOST_FIELDS:
        raise FormError("too many fields")
    for pair in pairs:
        if pair:
            name, _, value = pair.partition(b"=")
            fields[_decode(name, LONGEST_NAME)] = _decode(value, LONGEST_VALUE)
    return fields


def _decode(encoded, longest):
    """Undo percent-encoding; FormError if the result is longer than `longest` bytes or no text."""
    if len(encoded) > 3 * longest:
        raise FormError("a field is too long")
    pieces = encoded.replace(b"+", b" ").split(b"%")
    decoded = bytearray(pieces[0])
    for piece in pieces[1:]:
        digits = piece[:2]
        if len(digits) != 2 or not all(digit in _HEX_DIGITS for digit in digits):
            raise FormError("a percent sign without two hex digits")
        decoded.append(int(digits.decode(), 16))
        decoded.extend(piece[2:])
    # MicroPython's own decoder lets broken UTF-8 through, which no phone could show again.
    validator = Utf8Validator()
    if len(decoded) > longest or not validator.feed(decoded) or not validator.is_complete():
        raise FormError("a field is too long or no text")
    text = bytes(decoded).decode()
    if "\0" in text:
        raise FormError("a field is no text")
    return text


def complete_address(text):
    """Return the relay's whole address: people type "192.168.1.10", phones "Wss://..."."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "wss", scheme
    authority, slash, path = rest.partition("/")
    if not separator and authority and ":" not in authority:
        authority += ":%d" % DEFAULT_PORT
    return scheme.lower() + "://" + authority + (slash + path if path else DEFAULT_PATH)


def apply(form, base, found):
    """Return (fields of settings.json, problems): what `form` says on top of the fields `base`.

    `found` is the list of networks in sight, see device.wifi.tidy. An empty password or token
    keeps the one in `base`. Problems are plain words without secrets; none means that
    device.settings takes the fields.
    """
    problems = []
    fields = dict(base)
    _apply_network(form, fields, found, problems)
    has_code = _apply_code(form, fields, problems)
    relay = form.get("relay", "")
    if relay.strip():
        fields["relay"] = complete_address(relay)
        _check_address(fields["relay"], problems)
    elif has_code:
        fields.pop("relay", None)  # to be found
    else:
        problems.append("Enter the address of the relay, the computer that does the thinking.")
    token = form.get("token", "").strip()
    if token:
        fields["token"] = token
    elif not fields.get("token") and not has_code:
        problems.append("Enter the pairing code that the parent's page shows for this toy.")
    age = _whole_number(form.get("age"))
    if age is None or not YOUNGEST_AGE <= age <= OLDEST_AGE:
        problems.append("Choose the child's age, from 3 to 13.")
    else:
        fields["age"] = age
    ceiling = _whole_number(form.get("ceiling"))
    if ceiling is None or not 0 <= ceiling <= 100:
        problems.append("Choose how loud the toy may get at most.")
    else:
        fields["volume_ceiling"] = ceiling
    _apply_night(form, fields, problems)
    _apply_sleep(form, fields, problems)
    certificate = "".join(form.get("certificate", "").split())
    if certificate:
        fields["relay_certificate"] = certificate
    if not problems:
        try:
            Settings(dict(fields))
        except SettingsError as error:
            # That the certificate is missing is no news where it was just found to be bad.
            known = [one for one in error.problems if _MISSING not in one] or error.problems
            problems = [_in_plain_words(problem) for problem in known]
    return fields, problems


def _apply_code(form, fields, problems):
    """Take the pairing code; True if there is one, good or bad."""
    fields.pop("pairing_code", None)
    text = form.get("code", "").strip()
    if not text:
        return False
    try:
        fields["pairing_code"] = clean_code(text)
    except ValueError as error:
        problems.append("The pairing code %s." % error)
    return True


def _apply_night(form, fields, problems):
    """Take the night; a form without its fields leaves it as it was."""
    if "night_from" not in form:
        return
    first, last = form["night_from"].strip(), form.get("night_until", "").strip()
    fields.pop("night_from", None)
    fields.pop("night_until", None)
    ceiling = _whole_number(form.get("night_ceiling"))
    if ceiling is None or not 0 <= ceiling <= 100:
        problems.append("Choose how loud the toy may get at night, under More.")
    else:
        fields["night_volume_ceiling"] = ceiling
    if not first and not last:
        return
    fields["night_from"], fields["night_until"] = first, last  # kept to be put right
    if not first or not last:
        problems.append("Enter both when the night begins and when it ends, or neither: see More.")
        return
    try:
        if minute_of(first) == minute_of(last):
            problems.append("The night has to end at another time than it begins: see More.")
    except ValueError:
        problems.append("Enter the times of the night like 19:30, under More.")


def _apply_sleep(form, fields, problems):
    """Take after how many minutes of rest the toy sleeps; empty leaves it to the toy."""
    if "sleep" not in form:
        return
    fields.pop("sleep_minutes", None)
    if form["sleep"].strip():
        minutes = _whole_number(form["sleep"])
        if minutes is None or minutes > LONGEST_SLEEP_MINUTES:
            problems.append("Choose after how many minutes the toy goes to sleep, under More.")
        else:
            fields["sleep_minutes"] = minutes


def _check_address(address, problems):
    try:
        RelayAddress(address)
    except ValueError as error:
        problems.append("The relay's address %s." % error)


def _apply_network(form, fields, found, problems):
    ssid = form.get("other", "").strip() or form.get("ssid", "")
    password = form.get("password", "")
    known = fields.get("networks") or []
    if not 1 <= len(ssid.encode()) <= 32:
        problems.append("Choose your Wi-Fi network, or type its name.")
        return
    if not password:
        for network in known:
            if network["ssid"] == ssid:
                password = network.get("password") or ""
    sighted = [one["security"] for one in found if one["ssid"] == ssid]
    insecure = sighted and all(security in INSECURE for security in sighted)
    allowed = form.get("open") == "yes"
    if password and not 8 <= len(password) <= 64:
        problems.append("A Wi-Fi password has 8 to 64 characters.")
    elif not password and not insecure and not allowed:
        problems.append("Enter the password of the Wi-Fi network %s." % ssid)
    elif insecure and not allowed:
        problems.append(
            "%s has no password worth the name, so anybody nearby could listen in. Choose another "
            "network, or allow it under More." % ssid
        )
    fields["allow_insecure_wifi"] = allowed
    others = [network for network in known if network["ssid"] != ssid]
    others.insert(0, {"ssid": ssid, "password": password})
    fields["networks"] = others[:MOST_NETWORKS]


def _whole_number(text):
    digits = (text or "").strip()
    if not 1 <= len(digits) <= 4 or not all("0" <= digit <= "9" for digit in digits):
        return None
    return int(digits)


def _in_plain_words(problem):
    """Return a problem of device.settings for somebody who has never seen settings.json."""
    if _MISSING in problem:
        return "A wss:// address needs the relay's certificate too: see below, under More."
    for name, words in (
        ("relay_certificate", "The relay's certificate"),
        ("token", "The pairing token"),
    ):
        if problem.startswith(name + " "):
            return words + problem[len(name) :] + "."
    return problem
