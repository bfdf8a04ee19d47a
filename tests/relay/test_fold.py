"""Constants are written in where they are used, and nothing else about the firmware changes."""

import ast
import textwrap

import pytest

from relay.update.compiler import SOURCE, fold_beside, folded_texts, module_name
from relay.update.errors import UpdateError
from relay.update.fold import fold

WORDS = """
    '''Words.'''
    RATE = 16000
    FRAME = RATE * 20 // 1000
    LOWEST = -85
    NAMES = ("a", "b")

    class State:
        '''What it does.'''
        IDLE = "idle"
        BUSY = "busy"
        ALL = ("idle", "busy")

    def rate():
        return RATE
"""


def folded(**sources):
    """Fold modules given as name=text; return {name: text without blank lines}."""
    made = fold({name: textwrap.dedent(text) for name, text in sources.items()})
    return {
        name: "\n".join(line for line in text.split("\n") if line) for name, text in made.items()
    }


def test_constants_of_another_module_are_written_in_and_their_import_goes():
    made = folded(
        words=WORDS,
        user="""
            from words import FRAME, LOWEST, State
            import time

            def f(x):
                return x * FRAME + LOWEST if x == State.IDLE else time.ticks(State.ALL)
        """,
    )
    assert made["user"] == (
        "from words import State\nimport time\ndef f(x):\n"
        "    return x * 320 + -85 if x == 'idle' else time.ticks(State.ALL)"
    )
    assert "RATE" not in made["words"] and "BUSY" not in made["words"]
    assert "return 16000" in made["words"] and "ALL = ('idle', 'busy')" in made["words"]
    assert "NAMES" in made["words"]  # no scalar: stays


def test_a_class_that_nobody_mentions_any_more_goes():
    made = folded(words="class Look:\n    RED = 1\n", user="from words import Look\nx = Look.RED\n")
    assert made == {"words": "", "user": "x = 1"}


def test_a_class_that_is_handed_on_whole_stays_as_it_is():
    made = folded(
        words="class Look:\n    RED = 1\n    BLUE = 2\n",
        user="from words import Look\nx = vars(Look), Look.RED\n",
    )
    assert "RED = 1" in made["words"] and "BLUE = 2" in made["words"]
    assert made["user"] == "from words import Look\nx = (vars(Look), 1)"


@pytest.mark.parametrize(
    "text",
    [
        "LEVEL = 1\nLEVEL = 2\nx = LEVEL",  # bound twice
        "LEVEL = 1\ndef f():\n    global LEVEL\n    LEVEL = 2\nx = LEVEL",
        "LEVEL = 1\ndef f(LEVEL):\n    return LEVEL",  # hidden by an argument
        "LEVEL = read()\nx = LEVEL",
        "level = 1\nx = level",  # no constant by its name
        "class Light:\n    RED = 1\n    def f(self):\n        return Light.RED",  # a real class
    ],
)
def test_what_may_change_is_left_alone(text):
    assert folded(words=text)["words"].replace("\n", "") == text.replace("\n", "")


def test_constants_are_reckoned_through_any_number_of_modules():
    made = folded(
        a="from b import TWO\nFOUR = TWO * 2\nx = FOUR\n",
        b="from c import ONE\nTWO = ONE << 1\n",
        c="ONE = 1\n",
        d="from a import FOUR\nfrom b import ONE\ny = (FOUR, ONE)\n",
    )
    assert made == {"a": "x = 4", "b": "", "c": "", "d": "y = (4, 1)"}


def test_constants_by_way_of_their_module():
    made = folded(
        **{
            "pack": "",
            "pack.words": "SIZE = 3\ndef f():\n    return 0\n",
            "user": "from pack import words\ndef g():\n    return words.SIZE + words.f()\n",
        }
    )
    assert made["user"] == "from pack import words\ndef g():\n    return 3 + words.f()"


def test_imports_inside_functions_go_too_and_leave_no_empty_function():
    made = folded(
        words="SIZE = 3\n", user="def f():\n    from words import SIZE\n    return SIZE\n"
    )
    assert made["user"] == "def f():\n    return 3"


def test_the_firmware_is_folded_and_loses_no_function():
    def functions(text):
        return sorted(
            node.name
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        )

    texts = {
        module_name(f"device/{file.relative_to(SOURCE).as_posix()}"): file.read_text("utf-8")
        for file in SOURCE.rglob("*.py")
    }
    made = fold(texts)
    assert "State." in texts["device.toy"] and "State." not in made["device.toy"]
    assert {name: functions(text) for name, text in made.items()} == {
        name: functions(text) for name, text in texts.items()
    }


def test_folding_twice_changes_nothing():
    once = {module_name(path): text for path, text in folded_texts().items()}
    assert fold(once) == once


def test_a_script_beside_the_firmware_gets_the_constants_too():
    script = "from device.protocol import RATE_HZ\nfrom device.log import log\nlog('a', RATE_HZ)\n"
    assert fold_beside(script) == "from device.log import log\nlog('a', 16000)\n"


def test_a_broken_module_is_named(tmp_path):
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal" / "page.py").write_text("def x(")
    with pytest.raises(UpdateError, match=r"device/portal/page\.py"):
        folded_texts(tmp_path)
