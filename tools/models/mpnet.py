"""Make the safety filter's embedder of the published MPNet: nine of its twelve layers, in bytes.

The matrices become signed bytes with a scale for each of their outputs (symmetric quantisation),
the words half-precision numbers: 112 MB instead of 438, and a fifth of the time. The three last
layers are left out: what they add is how a whole sentence compares with others, and the filter
looks at every word. The arithmetic is plain enough to make the same bytes on every machine.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LAYERS = 9
WIDTH = 768
INNER = 3072
HEADS = 12
WORDS = 30_527
TOKENS = 128  # longer texts are cut
MATRICES = {
    "query": ("attention.attn.q", WIDTH, WIDTH),
    "key": ("attention.attn.k", WIDTH, WIDTH),
    "value": ("attention.attn.v", WIDTH, WIDTH),
    "attended": ("attention.attn.o", WIDTH, WIDTH),
    "inner": ("intermediate.dense", WIDTH, INNER),
    "outer": ("output.dense", INNER, WIDTH),
}
"""Name here, name there, numbers in, numbers out."""

NORMS = {"attention_norm": "attention.LayerNorm", "output_norm": "output.LayerNorm"}
ALIGNED = 64  # bytes
_FIRST_POSITION = 2  # MPNet counts positions behind its padding token, as RoBERTa does
_BUCKETS = 32  # of distances between tokens
_MOST = 127
_HEADER_BYTES = 1_000_000

Array = npt.NDArray[Any]


class NotMpnet(ValueError):
    """The file does not hold the model."""


@dataclass(frozen=True)
class Piece:
    """One array in the file that is made."""

    name: str
    kind: str  # of numpy: "f4", "f2", "i1"
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.dtype(self.kind).itemsize) * prod(self.shape)


def layout() -> list[Piece]:
    """Return what lies where in the file."""
    pieces: list[Piece] = []
    offset = 0
    for name, kind, shape in _shapes():
        offset = -(-offset // ALIGNED) * ALIGNED
        pieces.append(Piece(name, kind, shape, offset))
        offset += pieces[-1].size
    return pieces


def convert(source: Path, target: Path) -> None:
    """Write `target` from the model's safetensors file; NotMpnet if it holds something else."""
    with source.open("rb") as file:
        tensors = _read_header(file.read(8), file.read(_HEADER_BYTES))
    weights = np.memmap(source, np.uint8, "r")

    def read(name: str, *shape: int) -> Array:
        entry, start = tensors[name], tensors["__start__"]
        begin, end = entry["data_offsets"]
        if entry["dtype"] != "F32" or tuple(entry["shape"]) != shape:
            raise NotMpnet(name)
        found: Array = weights[start + begin : start + end].view("<f4").reshape(shape)
        return found

    try:
        arrays = dict(_arrays(read))
    except (KeyError, ValueError, TypeError) as error:
        raise NotMpnet(f"{source.name} does not hold MPNet base: {error}") from None
    with target.open("wb") as made:
        for piece in layout():
            made.write(b"\0" * (piece.offset - made.tell()))
            made.write(np.ascontiguousarray(arrays[piece.name], "<" + piece.kind).tobytes())


def _shapes() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    yield "words", "f2", (WORDS, WIDTH)
    yield "positions", "f4", (TOKENS, WIDTH)
    yield "distances", "f4", (1, HEADS, TOKENS, TOKENS)
    yield from _norm("word_norm")
    for layer in range(LAYERS):
        for name, (_, width, outputs) in MATRICES.items():
            yield f"{layer}.{name}", "i1", (width, outputs)
            yield f"{layer}.{name}.scales", "f4", (outputs,)
            yield f"{layer}.{name}.offsets", "f4", (outputs,)
        for name in NORMS:
            yield from _norm(f"{layer}.{name}")


def _norm(name: str) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    yield f"{name}.scales", "f4", (WIDTH,)
    yield f"{name}.offsets", "f4", (WIDTH,)


def _arrays(read: Any) -> Iterator[tuple[str, Array]]:  # noqa: ANN401  read(name, *shape)
    yield "words", read("embeddings.word_embeddings.weight", WORDS, WIDTH)
    positions = read("embeddings.position_embeddings.weight", 514, WIDTH)
    yield "positions", positions[_FIRST_POSITION : _FIRST_POSITION + TOKENS]
    by_bucket = read("encoder.relative_attention_bias.weight", _BUCKETS, HEADS)
    yield "distances", by_bucket[_buckets()].transpose(2, 0, 1)[None]
    names = {"word_norm": "embeddings.LayerNorm"}
    for layer in range(LAYERS):
        there = f"encoder.layer.{layer}."
        names |= {f"{layer}.{name}": there + norm for name, norm in NORMS.items()}
        for name, (matrix, width, outputs) in MATRICES.items():
            weights = read(f"{there}{matrix}.weight", outputs, width)
            scales = np.maximum(np.abs(weights).max(axis=1), np.float32(1e-12)) / np.float32(_MOST)
            yield f"{layer}.{name}", np.rint(weights / scales[:, None]).astype(np.int8).T
            yield f"{layer}.{name}.scales", scales
            yield f"{layer}.{name}.offsets", read(f"{there}{matrix}.bias", outputs)
    for name, norm in names.items():
        yield f"{name}.scales", read(f"{norm}.weight", WIDTH)
        yield f"{name}.offsets", read(f"{norm}.bias", WIDTH)


def _buckets() -> npt.NDArray[np.int64]:
    """Return the bucket of the distance from each token to each, as T5 and MPNet put them.

    Eight buckets for near tokens on each side, then half a power of two each: in whole numbers,
    since a logarithm may be rounded either way.
    """
    place = np.arange(TOKENS)
    behind = place[None, :] - place[:, None]
    far = np.abs(behind)
    near = _BUCKETS // 4
    found = np.minimum(far, near)
    for step in range(1, near):
        found += far**2 >= near**2 << step
    buckets: npt.NDArray[np.int64] = np.where(behind > 0, found + _BUCKETS // 2, found)
    return buckets


def _read_header(length: bytes, header: bytes) -> dict[str, Any]:
    """Return a safetensors file's table of tensors, and under `__start__` where they begin.

    The format: eight bytes of length, that much JSON, then the tensors' bytes.
    """
    try:
        size = struct.unpack("<Q", length)[0]
        tensors: dict[str, Any] = dict(json.loads(header[:size]))
    except (struct.error, ValueError, TypeError):
        raise NotMpnet("it is not a safetensors file") from None
    return tensors | {"__start__": 8 + size}
