"""What teachers say of photos, made into targets for the network that learns from them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from training.inputs import Examples

Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]


def answer(logits: Floats, mirrored: Floats) -> Floats:
    """A teacher's probabilities ``(n, labels)``: the mean of those for photos and for their mirror images.

    Args:
        logits: ``(n, labels)``.
        mirrored: The same of the mirror images.
    """
    mean: Floats = (softmax(logits, axis=1) + softmax(mirrored, axis=1)) / 2
    return mean


def distilled(labelled: Examples, unlabelled: Indices, answers: Sequence[Floats], share: float) -> Examples:
    """What a network learns that has teachers.

    Args:
        labelled: Photos with their labels.
        unlabelled: Rows of photos without one ``(m,)``.
        answers: What each teacher says of the rows of ``labelled``, then of ``unlabelled``: float32
            ``(n + m, labels)``.
        share: What their mean counts for a photo that has a label, 0–1; the label counts the rest.
    """
    mean = np.mean(answers, axis=0, dtype=np.float32)
    said, guessed = np.split(mean, [len(labelled.rows)])
    targets = np.concatenate([(1 - share) * labelled.targets + share * said, guessed]).astype(np.float32)
    return Examples(
        labelled.photos,
        np.concatenate([labelled.rows, unlabelled]),
        targets,
        np.concatenate([labelled.weights, np.ones(len(unlabelled), np.float32)]),
    )
