"""Fit the machines of both sides: arrays are what remains of JAX and scikit-learn."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from relay.age import AgeBand
from relay.safety.embedding import States
from relay.safety.finding import Side
from relay.safety.machine import WORD_SLOTS, Machine, read_machine, word_slots
from relay.safety.verdict import Action
from tools.train_safety.exemplars import Exemplar
from tools.train_safety.network import Lessons, Numbers, train

WORD_COST = 0.5
WORDS_SHARE = 0.6  # of the words' score that is added to the network's
MARGIN = 0.6
GRAVE = 1.0
"""Chosen on the development part; so are the shares below."""

STOPPED_SHARE = {
    Side.HEARD: {
        AgeBand.AGES_3_TO_5: 0.024,
        AgeBand.AGES_6_TO_8: 0.024,
        AgeBand.AGES_9_TO_11: 0.022,
        AgeBand.AGES_12_TO_13: 0.020,
    },
    Side.SAID: dict.fromkeys(AgeBand, 0.025),  # what is stopped there costs a sentence, no trust
}
"""The share of the harmless exemplars of the test part that each threshold may stop.

Half of them were made to sound bad: of ordinary talk, far less is stopped.
"""

CLEARED_SHARE = 0.03
"""The share of the harmful exemplars of the test part that `Machine.clear` lies above.

Only what a rule found and is open to doubt gets through below it.
"""

Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Read:
    """An exemplar as the classifier reads it."""

    exemplar: Exemplar
    text: str
    states: States


def fit(
    known: Sequence[Read], test: Sequence[Read], progress: Callable[[str], None]
) -> Mapping[Side, Arrays]:
    """Return the arrays of relay.safety.machine.Machine of each side.

    They are learned from `known` alone; the thresholds are set on `test`.
    """
    sides = list(Side)
    names = sorted({kind for each in known if (kind := _kind(each.exemplar))})
    lessons = Lessons(
        states=[each.states.astype(np.float16) for each in known],
        stopped=_stopped(known),
        side=np.array([sides.index(each.exemplar.side) for each in known], np.int32),
        kind=np.array(
            [names.index(kind) if (kind := _kind(each.exemplar)) else -1 for each in known],
            np.int32,
        ),
        kinds=len(names),
    )
    network = train(lessons, progress)
    return {
        side: _of_side(
            side,
            network,
            names,
            [each for each in known if each.exemplar.side is side],
            [each for each in test if each.exemplar.side is side],
        )
        for side in Side
    }


def packed(arrays: Arrays) -> bytes:
    """Return the arrays as the bytes of an .npz file, the same every time."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _of_side(
    side: Side,
    network: Mapping[str, Numbers],
    names: Sequence[tuple[str, str, str, str]],
    known: Sequence[Read],
    test: Sequence[Read],
) -> Arrays:
    place = list(Side).index(side)
    words = LinearSVC(C=WORD_COST, class_weight="balanced", random_state=0)
    words.fit(_word_matrix([each.text for each in known]), _stopped(known))
    ours = {_kind(each.exemplar) for each in known}
    of_side = [number for number, name in enumerate(names) if name in ours]
    cut = {
        "stop_weights": network["stop_weights"][:, place],
        "stop_offsets": network["stop_offsets"][:, place],
        "kind_weights": network["kind_weights"][:, of_side],
        "kind_offsets": network["kind_offsets"][:, of_side],
    }
    arrays: Arrays = {
        # What is many is stored in half the bytes.
        name: value.astype(np.float16 if value.ndim > 2 else np.float32)
        for name, value in {**network, **cut}.items()
    }
    arrays |= {
        "word_weights": (WORDS_SHARE * words.coef_[0]).astype(np.float32),
        "word_offset": np.float32(WORDS_SHARE * words.intercept_[0]),
        "thresholds": np.zeros(len(AgeBand), np.float32),
        "grave": np.float32(GRAVE),
        "margin": np.float32(MARGIN),
        "clear": np.float32(0),
        "kinds": np.array([names[number] for number in of_side]),
    }
    scores = _scores(read_machine(packed(arrays), side.value), test)
    stopped = _stopped(test)
    passing = [1 - STOPPED_SHARE[side][band] for band in AgeBand]
    arrays["thresholds"] = np.quantile(scores[~stopped], passing).astype(np.float32)
    arrays["clear"] = np.float32(np.quantile(scores[stopped], CLEARED_SHARE))
    return arrays


def _scores(machine: Machine, test: Sequence[Read]) -> npt.NDArray[np.float64]:
    return np.array([machine.judge(each.text, each.states)[0] for each in test])


def _stopped(known: Sequence[Read]) -> npt.NDArray[np.bool_]:
    return np.array([each.exemplar.action is not Action.ALLOW for each in known])


def _kind(each: Exemplar) -> tuple[str, str, str, str] | None:
    if each.category is None:
        return None
    return (each.category.value, each.topic, each.action.value, str(each.until))


def _word_matrix(texts: Sequence[str]) -> csr_matrix:
    """Return a row of WORD_SLOTS for each text, of length 1, filled where its words are."""
    slots = [word_slots(text) for text in texts]
    rows = [row for row, found in enumerate(slots) for _ in found]
    values = [len(found) ** -0.5 for found in slots for _ in found]
    columns = [slot for found in slots for slot in found]
    return csr_matrix((values, (rows, columns)), shape=(len(texts), WORD_SLOTS))
