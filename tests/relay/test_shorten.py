"""Short names only where nobody can ask for the long one."""

import ast
import textwrap

import pytest

from relay.update.compiler import folded_texts
from relay.update.shorten import short_name, shorten


def shortened(text, **others):
    made = shorten({"one": textwrap.dedent(text), **others})
    return made["one"].strip()


def test_names_are_different_and_short():
    names = [short_name(number) for number in range(700)]
    assert names[:2] == ["_a", "_b"] and names[25:27] == ["_z", "_aa"]
    assert len(set(names)) == 700 and max(map(len, names)) == 3


def test_arguments_and_private_attributes_share_names():
    made = shortened(
        """
        class Ring:
            def __init__(self, slots, size):
                self._slots = slots
                self._views = [size] * slots
                self.count = 0

            def _grow(self, by):
                self._slots += by

            def full(self):
                self._grow(0)
                return self.count == self._slots
        """
    )
    assert (
        made
        == textwrap.dedent(
            """
        class Ring:

            def __init__(self, _a, _b):
                self._a = _a
                self._b = [_b] * _a
                self.count = 0

            def _c(self, _a):
                self._a += _a

            def full(self):
                self._c(0)
                return self.count == self._a
        """
        ).strip()
    )


@pytest.mark.parametrize(
    "text",
    [
        "def f(wait_ms):\n    return wait_ms\nf(wait_ms=1)",  # named by a call
        "def f(error):\n    try:\n        g()\n    except ValueError as error:\n        g(error)",
        "def f(log):\n    from device import log\n    return log",
        "@viper\ndef f(source: ptr8):\n    return source[0]",  # viper's types
        "class A:\n    def f(self):\n        self._x = 1\nclass B:\n    def g(self, *a):\n"
        "        return A()._x",  # read from outside
        "class A(B):\n    def f(self):\n        self._x = 1",  # the base may have it, too
        "class A:\n    def f(self):\n        self._x = getattr(self, '_x')",
    ],
)
def test_what_others_may_ask_for_keeps_its_name(text):
    assert shortened(text) == ast.unparse(ast.parse(text))


def test_a_call_in_another_module_counts():
    made = shortened("def f(turn):\n    return turn", two="f(turn=1)")
    assert "turn" in made


def test_an_inner_function_sees_the_outer_arguments():
    text = "def f(base, step):\n    def g(base):\n        return base + step\n    return g(base)"
    made = shortened(text)
    found: dict = {}
    exec(made, found)
    assert found["f"](5, 2) == 7
    assert "base" not in made and "step" not in made


def test_lambdas_and_defaults():
    found: dict = {}
    exec(shortened("def f(a, b=3):\n    h = lambda c, d=b: c + d + a\n    return h(1)"), found)
    assert found["f"](10) == 14


def test_the_firmware_is_still_python_and_public_names_are_kept():
    for path, text in folded_texts().items():
        compile(text, path, "exec")
    assert "def on_message" in folded_texts()["device/toy.py"]
