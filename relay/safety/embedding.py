"""What the words of a sentence mean: MiniLM L6 v2, run by ONNX Runtime on one thread.

The classifiers were trained on the states of exactly these files, so their hashes are fixed here:
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
DIMENSIONS = 768
"""Numbers a token: 384 of a layer in the middle, which knows words, and 384 of the last."""

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
_MIDDLE = "/model/layers.3/mlp_output_norm_layernorm/output_0"
_AGAIN = f"get the right one with `python -m tools.models get {NAME}`"

States = npt.NDArray[np.float32]
"""A row of DIMENSIONS numbers for each token of a text."""


class Embedder:
    """Makes states of texts. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        # One thread, and none that spins: the cores belong to speech and language.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        weights = str((folder / "onnx").resolve())
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", weights
        )
        graph = (folder / "onnx" / "model.onnx").read_bytes() + _output(_MIDDLE)
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
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

    def __call__(self, text: str) -> States:
        """Return the states of `text`, a row for each of its tokens.

        One text at a time: a batch is padded to its longest, and the time is that of its padding.
        """
        tokens = self._tokenizer.encode(text)
        ids = np.array([tokens.ids], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        last, middle = self._session.run(None, inputs)
        states: States = np.concatenate([middle[0], last[0]], axis=1, dtype=np.float32)
        return states


def _output(name: str) -> bytes:
    """Return what, put behind a model's file, makes the value `name` an output of its graph.

    The file is a message of protocol buffers, and what follows one is merged into it: repeated
    fields grow. Fields as in onnx.proto: ModelProto.graph 7, GraphProto.output 12,
    ValueInfoProto.name 1.
    """
    return _field(7, _field(12, _field(1, name.encode("ascii"))))


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field; contents of up to 127 bytes have a length of one byte."""
    return bytes([number << 3 | 2, len(content)]) + content
