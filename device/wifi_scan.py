"""What a scan finds, made fit to choose from and to show. Pure."""

SECURITY = ("open", "wep", "wpa", "wpa2", "wpa/wpa2", "wpa2-enterprise", "wpa3", "wpa2/wpa3")
INSECURE = ("open", "wep")  # anyone nearby can read along, or pose as the network


def security_of(authmode):
    """Return the name of a scan's authmode; one this firmware does not know counts as secured."""
    return SECURITY[authmode] if 0 <= authmode < len(SECURITY) else "secured"


def tidy(found):
    """Turn the tuples of WLAN.scan() into dicts of ssid, rssi (dBm), security, channel and bssid.

    Strongest first. Of a mesh, which answers once a node, only the strongest; but a secured network
    never hides behind an insecure one of the same name, which may be a trap. Hidden ones have no
    name to show and are left out; they are joined by name all the same.
    """
    strongest = {}
    for ssid, bssid, channel, rssi, authmode, _hidden in found:
        try:
            name = bytes(ssid).decode()
        except UnicodeError:
            continue  # no one could have typed it into the settings
        if not name.strip("\0"):
            continue
        security = security_of(authmode)
        key = (name, security in INSECURE)
        if key not in strongest or rssi > strongest[key]["rssi"]:
            strongest[key] = {
                "ssid": name,
                "rssi": rssi,
                "security": security,
                "channel": channel,
                "bssid": bytes(bssid),
            }
    return sorted(strongest.values(), key=lambda one: -one["rssi"])


def joinable(seen, networks, allow_insecure):
    """Return those of `seen` (see `tidy`) to try, strongest first.

    `networks` is a dict of ssid to password. Left out is what is not known, and what is less secure
    than it ought to be: anything insecure unless allowed, and a network without a password that is
    known with one.
    """
    return [
        one
        for one in seen
        if one["ssid"] in networks
        and (
            one["security"] not in INSECURE
            or (allow_insecure and (one["security"] != "open" or not networks[one["ssid"]]))
        )
    ]
