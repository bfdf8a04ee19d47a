"""How many replies an engine takes on at once."""

from collections.abc import Iterable

from relay.errors import EngineBusy
from relay.urgency import Urgency


def check_room(
    engine: str, under_way: Iterable[Urgency], max_waiting: int, urgency: Urgency
) -> None:
    """Raise EngineBusy if one more piece of work of this `urgency` is too much.

    Work that may be in vain takes no place from who waits in silence. It finds half as many places,
    and none where the others have them all.
    """
    in_vain = urgency >= Urgency.SPECULATIVE
    most = max_waiting // 2 if in_vain else max_waiting
    count = sum(in_vain or each < Urgency.SPECULATIVE for each in under_way)
    if count > most:
        raise EngineBusy(engine, f"{count} replies are under way already")
