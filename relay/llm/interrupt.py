"""Leaving a step of llama.cpp in the middle, when the one it is made for has hung up."""

import ctypes
import sys

import llama_cpp


class Interrupt:
    """A flag that llama.cpp looks at before each of the hundreds of operations of a step.

    It asks a C function. One written in Python would take the interpreter's lock each time, and
    wait for it; C's own `strlen` answers as well: 0, go on, for an empty text, 1 for one letter.
    """

    def __init__(self) -> None:
        library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
        self._is_set = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        self._flag = ctypes.create_string_buffer(2)

    def set(self) -> None:
        """End the step that is under way, or the next one; from any thread."""
        self._flag[0] = b"\x01"

    def clear(self) -> None:
        """Let steps be made again."""
        self._flag[0] = b"\x00"

    def attach(self, context: llama_cpp.llama_context_p) -> None:
        """Have `context` look at it; keep this object as long as the context."""
        flag = ctypes.cast(self._flag, ctypes.c_void_p)
        llama_cpp.llama_set_abort_callback(context, self._is_set, flag)
