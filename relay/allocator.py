"""Keeping the C library's memory allocator from hoarding what the engines let go of."""

import ctypes

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def share_arenas() -> bool:
    """Let all threads allocate from few arenas; call it before there are threads.

    glibc gives nearly every thread an arena of its own, and memory that one has freed serves no
    other. The engines' threads free and take buffers of many sizes in every turn: with this, the
    relay grew by a third less from turn to turn, and began 13 MB smaller. Other C libraries have no
    arenas; False says that nothing was done.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS))
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
