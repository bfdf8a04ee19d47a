"""How many processor cores the language model may use."""

import os


def spare_cores() -> int:
    """Return the cores this process may run on but one, and at least one.

    llama.cpp's threads wait for each other at every layer: with as many threads as cores, anything
    else that runs makes all of them wait (from 65 tokens a second down to 1, when measured).
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 1
    return max(1, cores - 1)
