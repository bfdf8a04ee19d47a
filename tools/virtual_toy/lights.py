"""From the light's colour to what the toy says with it: the firmware's table read backwards."""

from __future__ import annotations

import math

from device.light import LOOKS, Look

Colour = tuple[int, int, int]

OFF = "off"
__all__ = ["OFF", "Colour", "Look", "look_of"]


def look_of(colour: Colour) -> str:
    """Return the value of `Look` whose hue `colour` has, or OFF.

    A breathing light changes its brightness, so only the direction of the colour counts; steps of
    dim colours are coarse, so the nearest direction is taken.
    """
    if not any(colour):
        return OFF
    looks: dict[str, Colour] = {look: entry[:3] for look, entry in LOOKS.items()}
    return max(looks, key=lambda look: _likeness(looks[look], colour))


def _likeness(one: Colour, other: Colour) -> float:
    """Return the cosine of the angle between two colours."""
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
