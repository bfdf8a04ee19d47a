"""What is pure in the manners of the toy: debouncing, looks of the light, bounds of the backoff."""

import time

from device.backoff import FIRST_MS, LONGEST_MS, Backoff, random_below
from device.button import DEBOUNCE_MS, HOLD_MS, Button, Press
from device.light import BLINK, DIMMEST, LOOKS, Look, colour_at, level_at
from tests.device.check import equal

STEP_MS = 10


def feed(button, levels, start_ms):
    """Feed one level each 10 ms; return [(what, at ms after the start)]."""
    seen = []
    for index, level in enumerate(levels):
        press = button.update(bool(level), time.ticks_add(start_ms, index * STEP_MS))
        if press is not None:
            seen.append((press, index * STEP_MS))
    return seen


def test_tap_and_hold():
    for start_ms in (0, 12345, time.ticks_add(0, -200)):  # also over the wrap of the tick counter
        equal(
            feed(Button(), [0] * 3 + [1] * 20 + [0] * 10, start_ms),
            [(Press.DOWN, 50), (Press.TAP, 250)],
        )
        held = feed(Button(), [0] * 3 + [1] * 60 + [0] * 10, start_ms)
        equal(held, [(Press.DOWN, 50), (Press.HOLD, 30 + HOLD_MS), (Press.UP, 650)])


def test_bounces_are_one_press():
    bouncing = [1, 0, 1, 0, 1]
    equal(feed(Button(), bouncing + [1] * 40 + bouncing + [0] * 10, 0)[0][0], Press.DOWN)
    names = [press for press, _ in feed(Button(), bouncing + [1] * 40 + [0, 1, 0] + [0] * 10, 0)]
    equal(names, [Press.DOWN, Press.HOLD, Press.UP])


def test_a_spike_is_nothing():
    equal(feed(Button(), [0, 1, 0, 0, 1, 0, 0, 0], 0), [])
    assert DEBOUNCE_MS > STEP_MS


def test_a_press_is_known_soon_enough_for_barge_in():
    _, at_ms = feed(Button(), [1] * 10, 0)[0]
    assert at_ms <= 30, at_ms


def test_presses_come_in_pairs_whatever_the_finger_does():
    for _ in range(200):
        button = Button()
        levels = []
        for _ in range(20):
            levels += [random_below(2)] * (1 + random_below(60))
        levels.extend([0] * 10)
        names = [press for press, _ in feed(button, levels, 0)]
        while names:
            equal(names.pop(0), Press.DOWN)
            if names[0] == Press.HOLD:
                equal(names.pop(0), Press.HOLD)
                equal(names.pop(0), Press.UP)
            else:
                equal(names.pop(0), Press.TAP)


def test_every_look_is_drawn_within_the_light_s_range():
    for look in LOOKS:
        for elapsed_ms in range(0, 9000, 7):
            for value in colour_at(look, elapsed_ms):
                assert 0 <= value <= 255, (look, elapsed_ms)


def test_looks_differ_in_colour_not_in_brightness_alone():
    hues = {}
    for name in dir(Look):
        if name.startswith("__"):
            continue
        red, green, blue = LOOKS[getattr(Look, name)][:3]
        strongest = max(red, green, blue)
        hue = (red * 4 // strongest, green * 4 // strongest, blue * 4 // strongest)
        assert hue not in hues, (name, hues.get(hue))
        hues[hue] = name
    equal(len(hues), len(LOOKS))


def test_only_a_blinking_light_goes_out():
    for look, (_, _, _, movement, period_ms) in LOOKS.items():
        levels = [level_at(movement, period_ms, ms) for ms in range(0, 2 * (period_ms or 50), 3)]
        if movement == BLINK:
            equal((min(levels), max(levels)), (0, 256), look)
        else:
            assert min(levels) >= DIMMEST, look


def test_backoff_stays_in_its_bounds():
    longest = Backoff(random_below=lambda limit: limit - 1)
    waits = [longest.next_ms() for _ in range(10)]
    equal(waits[:3], [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS])
    equal(max(waits), LONGEST_MS)
    longest.reset()
    equal(longest.next_ms(), FIRST_MS)
    equal(Backoff(random_below=lambda limit: 0).next_ms(), 0)


def test_backoff_is_random():
    waits = set()
    for _ in range(30):
        backoff = Backoff()
        wait_ms = backoff.next_ms()
        assert 0 <= wait_ms <= FIRST_MS, wait_ms
        waits.add(wait_ms)
    assert len(waits) > 5, waits
