"""What the words of a sentence mean: nine layers of MPNet, run by ONNX Runtime on one thread.

The classifiers were trained on the states of exactly these files, so their hashes are fixed here:
another export of the same model would be whole by its own manifest, and shift every threshold.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from relay.models import FileRecord, find, read_manifest
from relay.safety.data_files import DATA, read_sealed
from relay.safety.errors import SafetyError

NAME = "mpnet-base-v2"
DIMENSIONS = 1536
"""Numbers a token: 768 of a layer in the middle, which knows words, and 768 of the last."""

GRAPH = "embedder.onnx"
"""What is reckoned, without the weights: a data file of the filter, drawn by tools/train_safety."""

WEIGHTS = "weights.bin"
FILES = {
    "tokenizer.json": FileRecord(
        466_021, "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"
    ),
    WEIGHTS: FileRecord(
        112_384_512, "1025147bfbda536f47afcc95668b29202035cfd49e4a51e99bec28c023c8aeaf"
    ),
}
_MAX_TOKENS = 128
_MAX_RUN_TOKENS = 256  # a run takes about 6 ms, and 0.2 ms for every token
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
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(folder.resolve())
        )
        self._session = onnxruntime.InferenceSession(
            read_sealed(DATA, GRAPH),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # the fused one takes three times as long
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
        except SafetyError:
            raise
        except Exception as error:
            # ONNX Runtime and tokenizers raise types of their own, bare Exception among them.
            raise SafetyError(
                f'the model "{NAME}" cannot be loaded ({type(error).__name__}); {_AGAIN}'
            ) from None

    def __call__(self, text: str) -> States:
        """Return the states of `text`, a row for each of its tokens."""
        return self.of_each([text])[0]

    def of_each(self, texts: Sequence[str]) -> list[States]:
        """Return the states of each of `texts`, as if it had been alone but for rounding.

        They lie one behind the other in one run: most of a run's time is spent on reading the
        weights, however few tokens there are.
        """
        found: list[States] = []
        batch: list[list[int]] = []
        for text in texts:
            ids = self._tokenizer.encode(text).ids
            if batch and sum(map(len, batch)) + len(ids) > _MAX_RUN_TOKENS:
                found += self._run(batch)
                batch = []
            batch.append(ids)
        return found + self._run(batch) if batch else found

    def _run(self, batch: Sequence[Sequence[int]]) -> list[States]:
        lengths = [len(ids) for ids in batch]
        inputs = {
            "ids": np.concatenate([np.array(ids) for ids in batch]),
            "places": np.concatenate([np.arange(length) for length in lengths]),
            "owners": np.repeat(np.arange(len(batch)), lengths),
        }
        rows = {name: value.astype(np.int64)[None] for name, value in inputs.items()}
        states: States = self._session.run(None, rows)[0][0]
        return np.split(states, np.cumsum(lengths)[:-1])
