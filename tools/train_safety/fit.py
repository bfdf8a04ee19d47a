"""Fit a machine to vectors: scikit-learn trains it, arrays are what remains."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import GroupKFold  # type: ignore[import-untyped]
from sklearn.svm import SVC  # type: ignore[import-untyped]

from relay.age import AgeBand
from relay.safety.verdict import Action
from tools.train_safety.exemplars import Exemplar

COST = 3.0
GAMMA = 2.0
FOLDS = 5
MARGIN = 0.25
"""Chosen on the development part; so are the shares below."""

STOPPED_SHARE = {
    AgeBand.AGES_3_TO_5: 0.025,
    AgeBand.AGES_6_TO_8: 0.025,
    AgeBand.AGES_9_TO_11: 0.020,
    AgeBand.AGES_12_TO_13: 0.015,
}
"""The share of harmless exemplars of unseen templates that each threshold may stop.

Half of them were made to sound bad, and each comes from a template that the machine of its fold
has not seen: of ordinary talk, far less is stopped.
"""

Matrix = npt.NDArray[np.float32]


def fit(exemplars: Sequence[Exemplar], vectors: Matrix) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of relay.safety.classifier.Machine, trained on `exemplars`."""
    stopped = np.array([exemplar.action is not Action.ALLOW for exemplar in exemplars])
    machine = _machine().fit(vectors, stopped)
    kinds = [
        (each.category.value, each.topic, each.action.value, str(each.until))
        for each in exemplars
        if each.category
    ]
    names = sorted(set(kinds))
    numbers = np.array([names.index(kind) for kind in kinds])
    about = LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced")
    about.fit(vectors[stopped], numbers)
    return {
        "supports": machine.support_vectors_.astype(np.float16),
        "weights": machine.dual_coef_[0].astype(np.float32),
        "offset": np.float32(machine.intercept_[0]),
        "gamma": np.float32(GAMMA),
        "thresholds": _thresholds(exemplars, vectors, stopped),
        "margin": np.float32(MARGIN),
        "kinds": np.array(names),
        "kind_weights": about.coef_.astype(np.float32),
        "kind_offsets": about.intercept_.astype(np.float32),
    }


def packed(arrays: dict[str, npt.NDArray[np.generic]]) -> bytes:
    """Return the arrays as the bytes of an .npz file, the same every time."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _machine() -> SVC:
    return SVC(kernel="rbf", C=COST, gamma=GAMMA, class_weight="balanced", cache_size=400)


def _thresholds(
    exemplars: Sequence[Exemplar], vectors: Matrix, stopped: npt.NDArray[np.bool_]
) -> Matrix:
    """Return a threshold for each band: what lets all but the band's share of good ones pass.

    Scored by cross-validation that keeps the sentences of a template together.
    """
    templates = [exemplar.template for exemplar in exemplars]
    scores = np.zeros(len(exemplars))
    for known, unseen in GroupKFold(FOLDS).split(vectors, stopped, templates):
        machine = _machine().fit(vectors[known], stopped[known])
        scores[unseen] = machine.decision_function(vectors[unseen])
    good = scores[~stopped]
    shares = [1 - STOPPED_SHARE[band] for band in AgeBand]
    return np.quantile(good, shares).astype(np.float32)
