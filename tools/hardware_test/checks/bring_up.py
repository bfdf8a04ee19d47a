"""What only a board can settle, each settled by a script that runs on the board itself."""

from typing import Any

from tools.hardware_test.bench import Bench
from tools.hardware_test.result import Check, Verdict

SCRIPT_S = 60
LEAST_RATIO_DB = 20.0  # of the tone over its image; 8 dB when the samples are swapped
SLOWEST_DRAIN_MS = 500  # 20 ms of sound into 64 ms of DMA; #16029 never returns
LONGEST_JUNK_MS = 300  # what the firmware throws away when the microphone starts
LEAST_FREE_BYTES = 22_400  # a fifth of the 112 000 that a WROOM-32 has
LEAST_BLOCK_BYTES = 24_000  # TLS: 16 KB in one piece
OPEN = "only a board can tell; nothing on this computer was taken for one"

TX_ORDER = "Speaker: samples in order, stereo made of mono"
DRAIN = "Speaker: asyncio drain returns (MicroPython #16029)"
JUNK = "Microphone: start-up and noise"
HEAP = "Heap with the firmware loaded"
TLS = "Room for TLS"


async def bring_up(bench: Bench) -> list[Check]:
    """Run the scripts of `on_board/`; without a board every one of these stays open."""
    sound = await bench.run_on_board("sound.py", SCRIPT_S)
    memory = await bench.run_on_board("memory.py", SCRIPT_S)
    if sound is None or memory is None:
        return [Check(title, Verdict.NOT_RUN, OPEN) for title in (TX_ORDER, DRAIN, JUNK, HEAP, TLS)]
    return [tx_order(sound), drain(sound), junk(sound), heap(memory), tls(memory)]


def tx_order(found: dict[str, Any]) -> Check:
    """A tone out of the speaker into the microphone: swapped samples mirror it at 4 kHz."""
    if "tone_db" not in found:
        return _missing(TX_ORDER, found)
    over_noise = found["tone_db"] - found["noise_db"]
    ratio = found["tone_db"] - found["image_db"]
    figures = {"tone_over_noise_db": over_noise, "tone_over_image_db": ratio}
    if over_noise < LEAST_RATIO_DB:
        why = "the microphone does not hear the speaker: look at wires and volume, put them closer"
        return Check(TX_ORDER, Verdict.FAILED, why, figures)
    good = ratio >= LEAST_RATIO_DB
    why = "the tone came back clean" if good else "the tone came back mirrored: samples are swapped"
    return Check(TX_ORDER, Verdict.PASSED if good else Verdict.FAILED, why, figures)


def drain(found: dict[str, Any]) -> Check:
    """The way the firmware writes to I2S comes back, quickly."""
    if "drain_ms_max" not in found:
        return _missing(DRAIN, found)
    slowest = found["drain_ms_max"]
    good = slowest is not None and slowest <= SLOWEST_DRAIN_MS
    why = f"slowest {slowest} ms" if slowest is not None else "drain() never returned"
    figures = {"drain_ms_max": slowest} if slowest is not None else {}
    return Check(DRAIN, Verdict.PASSED if good else Verdict.FAILED, why, figures)


def junk(found: dict[str, Any]) -> Check:
    """The microphone is there, and quiet by the time the firmware begins to listen."""
    if "junk_ms" not in found:
        return _missing(JUNK, found)
    figures = {name: found[name] for name in ("junk_ms", "noise_db", "offset")}
    if found["stuck"]:
        why = "every sample is the same: no microphone on these pins, or its wires are swapped"
        return Check(JUNK, Verdict.FAILED, why, figures)
    good = found["junk_ms"] <= LONGEST_JUNK_MS
    why = f"steady after {found['junk_ms']} ms; the firmware waits {LONGEST_JUNK_MS} ms"
    return Check(JUNK, Verdict.PASSED if good else Verdict.FAILED, why, figures)


def heap(found: dict[str, Any]) -> Check:
    """What MicroPython has left when all that a conversation needs has been loaded."""
    if "heap_free" not in found:
        return _missing(HEAP, found)
    good = found["heap_free"] >= LEAST_FREE_BYTES
    figures = {name: found[name] for name in ("heap_free", "heap_used", "heap_largest")}
    why = f"{found['heap_free']} bytes free, {LEAST_FREE_BYTES} wanted"
    return Check(HEAP, Verdict.PASSED if good else Verdict.FAILED, why, figures)


def tls(found: dict[str, Any]) -> Check:
    """What ESP-IDF has left for a TLS connection, with the radio on and the firmware loaded."""
    if "idf_largest" not in found:
        return _missing(TLS, found)
    good = found["idf_largest"] >= LEAST_BLOCK_BYTES
    figures = {name: found[name] for name in ("idf_free", "idf_largest")}
    why = f"largest block {found['idf_largest']} bytes, {LEAST_BLOCK_BYTES} wanted"
    return Check(TLS, Verdict.PASSED if good else Verdict.FAILED, why, figures)


def _missing(title: str, found: dict[str, Any]) -> Check:
    return Check(title, Verdict.FAILED, str(found.get("error", "the script said nothing")))
