"""Whatever the air is full of, a scan gives a tidy list, and only trusted networks are joined."""

from hypothesis import given
from hypothesis import strategies as st

from device.signal import Signal
from device.wifi_scan import INSECURE, joinable, tidy

NAMES = st.one_of(
    st.sampled_from([b"home", b"mesh", b"", b"\0" * 8, b"caf\xe9", b"<b>&amp;", "Höhle".encode()]),
    st.binary(max_size=32),
)
FOUND = st.lists(
    st.tuples(
        NAMES,
        st.binary(min_size=6, max_size=6),
        st.integers(1, 14),
        st.integers(-128, 20),
        st.integers(-1, 40),
        st.booleans(),
    ),
    max_size=60,
)
KNOWN = st.dictionaries(
    st.sampled_from(["home", "mesh", "Höhle"]), st.sampled_from(["", "secret!!"])
)


@given(FOUND)
def test_a_scan_is_sorted_named_and_free_of_doubles(found):
    seen = tidy(found)
    assert [one["rssi"] for one in seen] == sorted((one["rssi"] for one in seen), reverse=True)
    keys = [(one["ssid"], one["security"] in INSECURE) for one in seen]
    assert len(set(keys)) == len(keys)
    assert all(one["ssid"].strip("\0") for one in seen)
    for one in seen:
        same = [
            entry[3]
            for entry in found
            if entry[0] == one["ssid"].encode()
            and (entry[4] in (0, 1)) == (one["security"] in INSECURE)
        ]
        assert one["rssi"] == max(same)


@given(FOUND, KNOWN, st.booleans())
def test_only_what_is_known_and_secure_enough_is_joined(found, known, allow_insecure):
    for one in joinable(tidy(found), known, allow_insecure):
        assert one["ssid"] in known
        if one["security"] in INSECURE:
            assert allow_insecure
        if one["security"] == "open":
            assert not known[one["ssid"]]


@given(st.lists(st.integers(-128, 20), min_size=1, max_size=200))
def test_the_smoothed_signal_stays_within_what_was_measured(samples):
    signal = Signal()
    for sample in samples:
        signal.add(sample)
        assert min(samples) - 1 <= signal.dbm <= max(samples)
