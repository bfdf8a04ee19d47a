"""What a sentence means, as a vector: MiniLM L6 v2, run by ONNX Runtime on one thread.

The classifiers were trained on the vectors of exactly these files, so their hashes are fixed here:
another export of the same model would be whole by its own manifest, and shift every threshold.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from relay.models import FileRecord, find, read_manifest
from relay.safety.errors import SafetyError

NAME = "minilm-l6-v2"
DIMENSIONS = 384
FILES = {
    "tokenizer.json": FileRecord(
        533_808, "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904"
    ),
    "onnx/model.onnx": FileRecord(
        56_796, "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1"
    ),
    "onnx/model.onnx_data": FileRecord(
        90_261_504, "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de"
    ),
}
_MAX_TOKENS = 128
_AGAIN = f"get the right one with `python -m tools.models get {NAME}`"

Vector = npt.NDArray[np.float32]


class Embedder:
    """Makes unit vectors of texts. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        # One thread, and none that spins: the cores belong to speech and language.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "onnx" / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)

    @classmethod
    def load(cls, models_dir: Path) -> "Embedder":
        """Return the embedder after checking every byte of it.

        Raises ModelMissing when it is not there or damaged, SafetyError when it is another one.
        """
        folder = find(models_dir, NAME, engine="safety")
        records = read_manifest(folder)
        if any(records.get(path) != record for path, record in FILES.items()):
            raise SafetyError(
                f'the model "{NAME}" in {models_dir} is not the one that the filter knows; {_AGAIN}'
            )
        try:
            return cls(folder)
        except Exception as error:
            # ONNX Runtime and tokenizers raise types of their own, bare Exception among them.
            raise SafetyError(
                f'the model "{NAME}" cannot be loaded ({type(error).__name__}); {_AGAIN}'
            ) from None

    def __call__(self, text: str) -> Vector:
        """Return the vector of `text`, 384 numbers of length 1: the mean over its tokens.

        One text at a time: a batch is padded to its longest, and the time is that of its padding.
        """
        tokens = self._tokenizer.encode(text)
        ids = np.array([tokens.ids], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        states = self._session.run(None, inputs)[0][0]
        mean = states.mean(axis=0)
        vector: Vector = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
        return vector
