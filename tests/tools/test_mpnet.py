"""The safety filter's embedder out of the published MPNet: what can be told without the model."""

import json
import math
import struct
from itertools import pairwise

import numpy as np
import pytest

from tools.models import makers
from tools.models.catalogue import load
from tools.models.download import DownloadError
from tools.models.mpnet import ALIGNED, LAYERS, TOKENS, NotMpnet, _buckets, convert, layout


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def words(dtype: str = "F32", shape: tuple[int, ...] = (30_527, 768)) -> dict[str, object]:
    size = math.prod(shape) * 4
    return {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}


NAME = "embeddings.word_embeddings.weight"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        struct.pack("<Q", 5) + b"other",
        safetensors([1, 2]),
        safetensors(7),
        safetensors({}),
        safetensors({"another.weight": words()}),
        safetensors({NAME: 1}),
        safetensors({NAME: words("F16")}, bytes(100)),
        safetensors({NAME: words(shape=(30_522, 768))}, bytes(100)),
        safetensors({NAME: words()}, bytes(100)),  # cut short
    ],
)
def test_another_file_is_refused(tmp_path, content):
    source, target = tmp_path / "model.safetensors", tmp_path / "weights.bin"
    source.write_bytes(content)
    with pytest.raises(NotMpnet):
        convert(source, target)
    assert not target.exists()
    # Whoever asked for the model hears of it as of a download that failed.
    files = {"weights.bin": load()["mpnet-base-v2"].files["weights.bin"]}
    with pytest.raises(DownloadError, match="cannot be used"):
        makers.make("mpnet", tmp_path, tmp_path / "made", files)


def test_the_pieces_lie_aligned_one_behind_the_other():
    pieces = layout()
    assert pieces[0].offset == 0
    for piece, following in pairwise(pieces):
        assert following.offset % ALIGNED == 0
        assert 0 <= following.offset - (piece.offset + piece.size) < ALIGNED
    assert len({piece.name for piece in pieces}) == len(pieces)


def test_the_pieces_are_the_model_and_fill_the_file_of_the_catalogue():
    pieces = layout()
    # BERT base's parameters a layer: four square matrices and two that widen and narrow, each
    # with offsets, and two norms. Here each matrix has scales besides, as many as offsets.
    matrices = 4 * 768 * 768 + 2 * 768 * 3072
    offsets = 4 * 768 + 3072 + 768
    of_layers = [piece for piece in pieces if piece.name.split(".")[0].isdigit()]
    assert sum(math.prod(piece.shape) for piece in of_layers) == LAYERS * (
        matrices + 2 * offsets + 2 * 2 * 768
    )
    assert sum(math.prod(each.shape) for each in pieces if each.kind == "i1") == LAYERS * matrices
    last = pieces[-1]
    assert last.offset + last.size == load()["mpnet-base-v2"].files["weights.bin"].size


def test_distances_fall_into_the_published_buckets():
    """T5's formula, which MPNet took over, in its logarithms.

    At 16, 32 and 64 the formula is a whole number before it is rounded down: a logarithm that is
    a last bit too small makes it the bucket before, and which it is differs between libraries.
    There the bucket is the one of exact arithmetic.
    """
    exact = {16: 10, 32: 12, 64: 14}
    buckets = _buckets()
    assert buckets.shape == (TOKENS, TOKENS)
    for token, other in np.ndindex(TOKENS, TOKENS):
        far = abs(other - token)
        expected = far
        if far >= 8:
            expected = min(15, 8 + math.floor(math.log(far / 8) / math.log(16) * 8))
        expected = exact.get(far, expected) + (16 if other > token else 0)
        assert buckets[token, other] == expected, (token, other)
