"""The battery, on boards that can measure one: a lithium cell behind a divider on an ADC1 pin.

ADC1 only: the radio uses ADC2. A board says `battery_pin` and `battery_divider`, the factor
between the cell's voltage and the pin's.
"""

from machine import ADC, Pin

READINGS = 8  # the ADC's noise is some 10 mV
LOW_PERCENT = 15  # the toy says so
EMPTY_PERCENT = 2  # the toy goes to sleep rather than drain the cell
LEAST_MV = 2500  # below it there is no cell: a divider without one, or a toy on a power supply

# Of a lithium-ion cell at the toy's 0.1 to 0.3 C: (mV, percent), between them a straight line.
_CURVE = (
    (3300, 0),
    (3500, 5),
    (3600, 10),
    (3700, 30),
    (3750, 45),
    (3800, 55),
    (3900, 70),
    (4000, 83),
    (4150, 100),
)


def percent_of(millivolts):
    """Return the charge in percent of a cell at `millivolts`, None if there is no cell."""
    if millivolts < LEAST_MV:
        return None
    below_mv, below = _CURVE[0]
    if millivolts <= below_mv:
        return below
    for above_mv, above in _CURVE[1:]:
        if millivolts <= above_mv:
            return below + (above - below) * (millivolts - below_mv) // (above_mv - below_mv)
        below_mv, below = above_mv, above
    return 100


class Battery:
    """One cell. `percent` is its charge as last measured, None where there is none."""

    def __init__(self, board):
        self._divider = board.battery_divider
        self._adc = None
        if board.battery_pin is not None:
            # 11 dB: up to about 2.5 V at the pin, calibrated by the factory's figures in the fuses.
            self._adc = ADC(Pin(board.battery_pin), atten=ADC.ATTN_11DB)
        self.percent = None
        self.measure()

    def measure(self):
        """Measure the charge; takes under a millisecond."""
        if self._adc is None:
            return
        total_uv = 0
        for _ in range(READINGS):
            total_uv += self._adc.read_uv()
        self.percent = percent_of(total_uv // READINGS * self._divider // 1000)

    @property
    def low(self):
        """Tell whether it should be charged soon."""
        return self.percent is not None and self.percent <= LOW_PERCENT

    @property
    def empty(self):
        """Tell whether it would be harmed by going on."""
        return self.percent is not None and self.percent <= EMPTY_PERCENT
