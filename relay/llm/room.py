"""How many replies an engine takes on at once."""

from relay.errors import EngineBusy
from relay.urgency import Urgency


def check_room(engine: str, under_way: int, max_waiting: int, urgency: Urgency) -> None:
    """Raise EngineBusy if one more piece of work is too much.

    Work that may be in vain gets half of the places, so that who waits in silence finds one.
    """
    most = max_waiting // 2 if urgency >= Urgency.SPECULATIVE else max_waiting
    if under_way > most:
        raise EngineBusy(engine, f"{under_way} replies are under way already")
