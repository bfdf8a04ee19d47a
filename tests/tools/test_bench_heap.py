"""The book-keeping of the heap bench, which must neither lose bytes nor count the harness's."""

import ast
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.settings import Settings
from tools.bench import heap, heap_ledger, wasm
from tools.bench.device import BUDGETS, judge, make_rows
from tools.bench.on_micropython import dsp_reference
from tools.bench.sound import CLICKS, make_clicks, microphone_ms
from tools.bench.websocket import ROOT


def names(count, data, total):
    return f"qstr pool: n_pool=3, n_qstr={count}, n_str_data_bytes={data}, n_total_bytes={total}"


def loaded(name, size):
    return json.dumps({"loaded": name, "bytes": size})


def stage(name, size, modules=("device.a",)):
    return json.dumps({"stage": name, "bytes": size, "modules": list(modules)})


def test_what_the_harness_takes_is_not_the_firmware_s():
    ledger = heap_ledger.read(
        [
            names(10, 100, 400),
            loaded("interpreter", 1000),  # 300 of it are pools
            names(60, 500, 1000),
            loaded("board", 5200),  # 200 are pools
            names(70, 600, 1100),
            loaded("device.a", 700),
            names(75, 650, 1150),
            loaded("heap_probe", 900),
            "1.234 wifi: connected",
            names(90, 700, 1200),
            stage("idle", 8000),
            names(90, 700, 1200),
            stage("speaking", 8500),
            json.dumps({"buffers": {"toy.ring": 320}}),
        ]
    )
    assert [(item.name, item.heap_bytes, item.names) for item in ledger.loaded] == [
        ("interpreter", 700, 10),
        ("device.a", 700, 10),
    ]
    # all - pools (500) - board (5000) - probe (900) + pools of the 90 - 50 - 5 names
    assert [one.heap_bytes for one in ledger.stages] == [
        8000 - 500 - 5000 - 900 + heap_ledger.pools(35),
        8500 - 500 - 5000 - 900 + heap_ledger.pools(35),
    ]
    assert ledger.worst.name == "speaking"
    assert ledger.buffers == {"toy.ring": 320}


@given(st.integers(0, 5000))
def test_pools_hold_the_names_and_at_most_three_times_as_many(count):
    size = heap_ledger.pools(count)
    assert size >= count * heap_ledger.ENTRY_BYTES
    assert heap_ledger.pools(count + 1) >= size
    assert size <= (3 * count + 20) * heap_ledger.ENTRY_BYTES + 20 * heap_ledger.POOL_BYTES


def test_a_module_is_loaded_after_all_that_it_imports():
    known = heap.module_texts()
    order = heap.import_order()
    assert {"device.toy", "device.link", "device.websocket.frames"} <= set(order)
    assert len(order) == len(set(order))
    for name in order:
        for other in heap.imported_at_top(known[name], known):
            assert order.index(other) < order.index(name), (name, other)


def test_the_stand_in_for_native_code_has_the_same_functions():
    source = (ROOT / wasm.NATIVE).read_text(encoding="utf-8")
    made: dict[str, object] = {}
    exec(compile(ast.parse(wasm.without_bodies(source)), "dsp", "exec"), made)
    for name, argument_names in (
        (node.name, [argument.arg for argument in node.args.args])
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    ):
        code = made[name].__code__
        assert list(code.co_varnames[: code.co_argcount]) == argument_names
        assert hasattr(dsp_reference, name)


def test_the_settings_that_are_weighed_are_allowed():
    fields = json.loads(heap.settings())
    certificate = fields.pop("relay_certificate")
    settings = Settings({**fields, "relay": fields["relay"].replace("wss", "ws")})
    assert len(settings.networks) == 5
    assert len(certificate) * 3 // 4 == heap.CERTIFICATE_BYTES


@pytest.mark.parametrize(
    ("value", "goal", "verdict"),
    [(None, 1, "not measured"), (5, None, "-"), (5, 5, "met"), (7.5, 5, "over by 2.5")],
)
def test_a_figure_is_held_against_its_goal(value, goal, verdict):
    assert judge(value, goal) == verdict


def test_the_table_has_a_row_for_every_budget():
    rows = make_rows({"heap": {"heap_bytes_peak": 1000}})
    assert len(rows) == len(BUDGETS)
    verdicts = {row["what"]: row["verdict"] for row in rows}
    assert verdicts["bytes of heap at the worst moment, with TLS"] == "met"
    assert verdicts["bytes of all .mpy"] == "not measured"


@given(st.integers(0, 319), st.floats(0, 900))
def test_a_late_click_is_told_from_the_next(offset, delay_ms):
    """Frames come `delay_ms` late: each click is as old as that and the rest of its frame."""
    samples = make_clicks()
    padded = [0] * offset + list(samples) + [0] * 320
    heard = []
    for number in range(len(padded) // 320):
        frame = padded[number * 320 : (number + 1) * 320]
        end_s = ((number + 1) * 320 - offset) / 16000
        heard.append((end_s + delay_ms / 1000, np.array(frame, np.int16)))
    times = microphone_ms(heard, 0.0)
    assert len(times) == CLICKS
    assert all(delay_ms - 0.1 <= time <= delay_ms + 20.1 for time in times)
