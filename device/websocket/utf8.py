"""A strict UTF-8 validator that takes its text in pieces.

MicroPython's decoder lets overlong forms, surrogates and code points above U+10FFFF through, and
RFC 6455 section 8.1 asks for a connection to fail on them. The ranges are those of table 3-7 of the
Unicode Standard (well-formed UTF-8 byte sequences).
"""


class Utf8Validator:
    """Checks one text, fed piece by piece; a character may be cut anywhere."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget the text so far and begin a new one."""
        self._missing = 0  # continuation bytes still to come of the character under way
        self._low = 0x80  # range of the next continuation byte
        self._high = 0xBF

    def feed(self, piece):
        """Take the next bytes; False as soon as no continuation could make the text valid."""
        missing = self._missing
        if not missing and (not piece or max(piece) < 0x80):
            return True  # plain ASCII, the common case, at the speed of C
        low = self._low
        high = self._high
        for byte in piece:
            if missing:
                if not low <= byte <= high:
                    return False
                missing -= 1
                low = 0x80
                high = 0xBF
            elif byte < 0x80:
                pass
            elif byte < 0xC2:  # a stray continuation byte, or an overlong form of ASCII
                return False
            elif byte < 0xE0:
                missing = 1
            elif byte < 0xF0:
                missing = 2
                if byte == 0xE0:
                    low = 0xA0  # below: overlong
                elif byte == 0xED:
                    high = 0x9F  # above: a surrogate
            elif byte < 0xF5:
                missing = 3
                if byte == 0xF0:
                    low = 0x90  # below: overlong
                elif byte == 0xF4:
                    high = 0x8F  # above: beyond U+10FFFF
            else:
                return False
        self._missing = missing
        self._low = low
        self._high = high
        return True

    def is_complete(self):
        """Tell whether the text so far ends at the end of a character."""
        return not self._missing
