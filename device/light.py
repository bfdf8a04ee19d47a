"""The language of the light: one colour and movement for each thing the toy has to say. Pure.

| Light                      | Meaning                                             |
|----------------------------|-----------------------------------------------------|
| magenta, blinking          | a grown-up is needed: settings, age or token        |
| blue, breathing            | looking for the Wi-Fi and for home                  |
| orange, breathing slowly   | home cannot be reached; the toy keeps trying        |
| green, dim and steady      | ready: squeeze the paw                              |
| cyan, steady               | listening                                           |
| yellow, breathing          | thinking                                            |
| white, breathing quickly   | speaking                                            |
| red, steady for a second   | something went wrong; try again                     |
| violet, breathing          | set-up is open: join the toy's Wi-Fi with a phone   |
| pink, blinking quickly     | let the paw go now, and the toy forgets everything  |
| lime green, breathing      | safe mode: it failed to start three times; no ears  |
| sky blue, blinking         | an update is being taken: leave the power on        |
| peach, blinking quickly    | "here I am": somebody at home looks for the toy     |

No two looks differ in brightness alone, so that a light can be told from its colour at any moment.
"""

STEADY = 0
BREATHE = 1
BLINK = 2

DIMMEST = 64  # of 256: a breathing light never goes out, so that it is never taken for "off"


class Look:
    """What the light says."""

    NEEDS_GROWN_UP = "needs_grown_up"
    CONNECTING = "connecting"
    OFFLINE = "offline"
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    ERROR = "error"
    SET_UP = "set_up"
    FORGET = "forget"
    SAFE = "safe"
    UPDATING = "updating"
    HERE = "here"


# red, green, blue (0 to 255 at full brightness of the look), movement, period in ms
LOOKS = {
    Look.NEEDS_GROWN_UP: (48, 0, 48, BLINK, 1000),
    Look.CONNECTING: (0, 0, 64, BREATHE, 1600),
    Look.OFFLINE: (64, 16, 0, BREATHE, 4000),
    Look.IDLE: (0, 12, 0, STEADY, 0),
    Look.LISTENING: (0, 64, 64, STEADY, 0),
    Look.THINKING: (64, 64, 0, BREATHE, 1200),
    Look.SPEAKING: (64, 64, 64, BREATHE, 700),
    Look.ERROR: (96, 0, 0, STEADY, 0),
    Look.SET_UP: (24, 0, 72, BREATHE, 2000),
    Look.FORGET: (96, 0, 36, BLINK, 250),
    Look.SAFE: (36, 72, 0, BREATHE, 4000),
    Look.UPDATING: (0, 32, 72, BLINK, 800),
    Look.HERE: (96, 48, 24, BLINK, 300),
}


def level_at(movement, period_ms, elapsed_ms):
    """Return the brightness, 0 to 256, of a movement `elapsed_ms` after it began."""
    if movement == STEADY:
        return 256
    phase = elapsed_ms % period_ms
    half = period_ms // 2
    if movement == BLINK:
        return 256 if phase < half else 0
    rising = phase if phase < half else period_ms - phase
    return DIMMEST + (256 - DIMMEST) * rising // half


def colour_at(look, elapsed_ms):
    """Return (red, green, blue), each 0 to 255, of a look `elapsed_ms` after it began."""
    red, green, blue, movement, period_ms = LOOKS[look]
    level = level_at(movement, period_ms, elapsed_ms)
    return red * level >> 8, green * level >> 8, blue * level >> 8
