"""Age bands: everything that depends on a child's age depends on one of these four."""

import enum

from device.protocol import is_allowed_age


class AgeBand(enum.Enum):
    """A span of ages that hears the same words; the value is how it is written in data files."""

    AGES_3_TO_5 = "3-5"
    AGES_6_TO_8 = "6-8"
    AGES_9_TO_11 = "9-11"
    AGES_12_TO_13 = "12-13"

    @classmethod
    def of(cls, age: int) -> "AgeBand":
        """Return the band of `age` in years; ValueError outside 3 to 13."""
        if not is_allowed_age(age):
            raise ValueError(f"age {age} is outside 3 to 13")
        for band in cls:
            youngest, oldest = map(int, band.value.split("-"))
            if youngest <= age <= oldest:
                return band
        raise AssertionError("the bands cover 3 to 13")
