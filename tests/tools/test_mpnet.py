"""The safety filter's embedder out of the published MPNet: what can be told without the model."""

import json
import math
import os
import struct
from itertools import pairwise

import numpy as np
import pytest

from tools.models import makers
from tools.models.catalogue import load
from tools.models.download import DownloadError
from tools.models.mpnet import ALIGNED, LAYERS, TOKENS, NotMpnet, _buckets, convert, layout


def safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def words(dtype="F32", shape=(30_527, 768)):
    return {"dtype": dtype, "shape": shape, "data_offsets": [0, math.prod(shape) * 4]}


NAME = "embeddings.word_embeddings.weight"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a safetensors file"),
        (b"GGUF", "not a safetensors file"),
        (struct.pack("<Q", 5) + b"other", "not a safetensors file"),
        (safetensors([1, 2]), "not a safetensors file"),
        (safetensors(7), "not a safetensors file"),
        (safetensors({}), NAME),
        (safetensors({"another.weight": words()}), NAME),
        (safetensors({NAME: 1}), "does not hold MPNet base"),
        # As many bytes as there should be, as other numbers or of another model.
        (safetensors({NAME: words("I32")}), NAME),
        (safetensors({NAME: words(shape=(768, 30_527))}), NAME),
        (safetensors({NAME: words()}), "position_embeddings"),
    ],
)
def test_another_file_is_refused(tmp_path, content, reason):
    source, target = tmp_path / "model.safetensors", tmp_path / "weights.bin"
    source.write_bytes(content)
    if NAME.encode() in content:
        os.truncate(source, len(content) + math.prod(words()["shape"]) * 4)  # zeros, no disk
    with pytest.raises(NotMpnet, match=reason):
        convert(source, target)
    assert not target.exists()
    # Whoever asked for the model hears of it as of a download that failed.
    files = {"weights.bin": load()["mpnet-base-v2"].files["weights.bin"]}
    with pytest.raises(DownloadError, match=f"cannot be used: .*{reason}"):
        makers.make("mpnet", tmp_path, tmp_path / "made", files)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    source = tmp_path / "model.safetensors"
    source.write_bytes(safetensors({NAME: words()}) + bytes(100))
    with pytest.raises(NotMpnet, match="does not hold MPNet base"):
        convert(source, tmp_path / "weights.bin")


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
