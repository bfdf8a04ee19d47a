"""A simulated `machine.ADC`: the voltages at the pins are part of the world."""

import _host

FIRST_ADC2 = {"esp32-devkit": (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)}
LARGEST_UV = 2450000  # of 11 dB; more at the pin reads as this


class ADC:
    """One analogue input. `world["adc_uv"]` maps the pin's number, as text, to microvolts."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, pin, *, atten=0, bits=None):
        number = pin._id
        if number in FIRST_ADC2.get(_host.world["board"], ()):
            raise OSError(-0x103, "ESP_ERR_TIMEOUT")  # what the radio leaves of ADC2
        self._name = str(number)

    def read_uv(self):
        """Return the voltage in microvolts."""
        return min(_host.world.get("adc_uv", {}).get(self._name, 0), LARGEST_UV)
