"""Draw the embedder's graph for ONNX Runtime; its weights lie in the file of tools.models.mpnet.

MPNet (Song and others, 2020) up to its ninth layer: the states of the sixth and the ninth, side by
side. Matrices are multiplied in whole numbers. Every row of states is first divided by its largest
number, so that one loud token does not take the resolution from all others: with one scale for all
of them the last states were off by 0.57 of their spread, with this by 0.1.
"""

import sys
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from relay.safety.data_files import DATA, seal
from relay.safety.embedding import GRAPH, WEIGHTS
from tools.models.mpnet import HEADS, LAYERS, TOKENS, WIDTH, Piece, layout

MIDDLE = 5  # the layer whose states stand before those of the last
EPSILON = 1e-5
_KINDS = {"f4": TensorProto.FLOAT, "f2": TensorProto.FLOAT16, "i1": TensorProto.INT8}
_OPSET, _FORMAT = 20, 9


class Drawing:
    """Nodes and constants of a graph, in the order in which they are drawn."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants = [_lies_in_file(piece) for piece in layout()]
        self._numbers = count()

    def node(self, kind: str, *inputs: str, **options: Any) -> str:  # noqa: ANN401  as ONNX takes
        """Add a node and return the name of what comes out of it."""
        name = f"{kind}.{next(self._numbers)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **options))
        return name

    def constant(self, value: object, kind: type[np.generic]) -> str:
        """Add a small constant and return its name."""
        name = f"constant.{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def norm(self, states: str, name: str) -> str:
        """Layer normalisation."""
        return self.node(
            "LayerNormalization", states, f"{name}.scales", f"{name}.offsets", epsilon=EPSILON
        )


def draw() -> onnx.ModelProto:
    """Return the graph: `ids`, `places` and `owners` [1, tokens] to `states` [1, tokens, 1536].

    Several texts may lie one behind the other: `places` tells where in its own text a token stands,
    `owners` which text that is, and no token heeds one of another text.
    """
    d = Drawing()
    words = d.node("Cast", d.node("Gather", "words", "ids"), to=TensorProto.FLOAT)
    states = d.norm(d.node("Add", words, d.node("Gather", "positions", "places")), "word_norm")
    nearness = _nearness(d)
    kept = []
    for layer in range(LAYERS):
        states = _layer(d, layer, states, nearness)
        if layer in (MIDDLE, LAYERS - 1):
            kept.append(states)
    together = d.node("Concat", *kept, axis=2)
    d.nodes.append(helper.make_node("Identity", [together], ["states"], name="states"))
    inputs = ("ids", "places", "owners")
    graph = helper.make_graph(
        d.nodes,
        "mpnet",
        [helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"]) for name in inputs],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, "tokens", 2 * WIDTH])],
        d.constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = _FORMAT
    model.ClearField("producer_name")
    model.ClearField("producer_version")
    return model


def _nearness(d: Drawing) -> str:
    """Return what is added to how much each token heeds each other one: [1, HEADS, tokens, tokens].

    MPNet's weight for the distance between the two, and so little that nothing is left where they
    belong to different texts.
    """
    row, column = d.constant([2], np.int64), d.constant([1], np.int64)
    of_rows = d.node("Mul", d.node("Unsqueeze", "places", row), d.constant(TOKENS, np.int64))
    pairs = d.node("Add", of_rows, d.node("Unsqueeze", "places", column))
    flat = d.node("Reshape", "distances", d.constant([HEADS, TOKENS * TOKENS], np.int64))
    by_distance = d.node("Gather", flat, pairs, axis=1)  # HEADS, 1, tokens, tokens
    by_distance = d.node("Transpose", by_distance, perm=[1, 0, 2, 3])
    ours = d.node(
        "Equal", d.node("Unsqueeze", "owners", row), d.node("Unsqueeze", "owners", column)
    )
    ours = d.node("Unsqueeze", ours, d.constant([1], np.int64))
    theirs = d.constant(-1e9, np.float32)
    return d.node("Where", ours, by_distance, theirs)


def _layer(d: Drawing, layer: int, states: str, nearness: str) -> str:
    apart = d.constant([0, 0, HEADS, WIDTH // HEADS], np.int64)
    rounded = _rounded(d, states)
    query, key, value = (
        d.node("Reshape", _product(d, f"{layer}.{name}", *rounded), apart)
        for name in ("query", "key", "value")
    )
    query, value = (d.node("Transpose", each, perm=[0, 2, 1, 3]) for each in (query, value))
    key = d.node("Transpose", key, perm=[0, 2, 3, 1])
    shrink = d.constant((WIDTH // HEADS) ** -0.5, np.float32)
    near = d.node("Mul", d.node("MatMul", query, key), shrink)
    heed = d.node("Softmax", d.node("Add", near, nearness), axis=-1)
    attended = d.node("Transpose", d.node("MatMul", heed, value), perm=[0, 2, 1, 3])
    attended = d.node("Reshape", attended, d.constant([0, 0, WIDTH], np.int64))
    attended = _product(d, f"{layer}.attended", *_rounded(d, attended))
    states = d.norm(d.node("Add", attended, states), f"{layer}.attention_norm")
    inner = d.node("Gelu", _product(d, f"{layer}.inner", *_rounded(d, states)))
    outer = _product(d, f"{layer}.outer", *_rounded(d, inner))
    return d.norm(d.node("Add", outer, states), f"{layer}.output_norm")


def _rounded(d: Drawing, states: str) -> tuple[str, str, str]:
    """Return states as bytes, the middle of these, and the largest number of each row."""
    last = d.constant([-1], np.int64)
    largest = d.node("ReduceMax", d.node("Abs", states), last, keepdims=1)
    largest = d.node("Max", largest, d.constant(1e-9, np.float32))
    middle = d.constant(128, np.uint8)
    rounded = d.node(
        "QuantizeLinear",
        d.node("Div", states, largest),
        d.constant(1 / 127, np.float32),
        middle,
    )
    return rounded, middle, largest


def _product(d: Drawing, name: str, rounded: str, middle: str, largest: str) -> str:
    """Return the states times the matrix `name`, plus its offsets."""
    step = d.constant(1 / 127, np.float32)
    product = d.node(
        "MatMulIntegerToFloat",
        rounded,
        name,
        step,
        f"{name}.scales",
        middle,
        domain="com.microsoft",
    )
    return d.node("Add", d.node("Mul", product, largest), f"{name}.offsets")


def _lies_in_file(piece: Piece) -> onnx.TensorProto:
    tensor = TensorProto(name=piece.name, data_type=_KINDS[piece.kind], dims=piece.shape)
    tensor.data_location = TensorProto.EXTERNAL
    place = {"location": WEIGHTS, "offset": piece.offset, "length": piece.size}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def main() -> int:
    """Write and seal the graph."""
    (DATA / GRAPH).write_bytes(draw().SerializeToString(deterministic=True))
    seal(DATA, [GRAPH])
    return 0


if __name__ == "__main__":
    sys.exit(main())
