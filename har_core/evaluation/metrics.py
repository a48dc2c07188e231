"""Figures that say how good answers are, each with a bootstrap interval."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score, roc_auc_score

from har_core.bundle import Metric

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]

_ECE_BINS = 15
_RESAMPLES = 1000


@dataclass(frozen=True)
class Answers:
    """What a model says of photos whose labels are known.

    Attributes:
        probabilities: Calibrated, of each label ``(n, labels)``.
        truth: Index of the right label ``(n,)``.
        sure: Whether the model calls its answer sure ``(n,)``.
        energy: How familiar each photo looked to it ``(n,)``; see ``har_core.scores``.
    """

    probabilities: Floats
    truth: Indices
    sure: Mask
    energy: Floats

    def __len__(self) -> int:
        """How many photos."""
        return len(self.truth)

    @property
    def found(self) -> Indices:
        """Index of the best label ``(n,)``."""
        return self.probabilities.argmax(axis=1)

    def take(self, rows: Indices | Mask) -> "Answers":
        """Those of some photos."""
        return Answers(self.probabilities[rows], self.truth[rows], self.sure[rows], self.energy[rows])


Figure = Callable[[Answers], float]


def accuracy(answers: Answers) -> float:
    """Share of photos whose best label is right."""
    return float((answers.found == answers.truth).mean())


def macro_f1(answers: Answers) -> float:
    """Mean over all labels of the harmonic mean of precision and recall; a label that is never right counts 0."""
    labels = np.arange(answers.probabilities.shape[1])
    return float(f1_score(answers.truth, answers.found, labels=labels, average="macro", zero_division=0))


def ece(answers: Answers) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over 15 bins of equal width.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """
    confidence = answers.probabilities.max(axis=1)
    right = answers.found == answers.truth
    bins = np.minimum((confidence * _ECE_BINS).astype(int), _ECE_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=_ECE_BINS)
    return float(np.abs(gaps).sum() / len(answers))


def sure_share(answers: Answers) -> float:
    """Share of photos with a sure answer."""
    return float(answers.sure.mean())


def sure_accuracy(answers: Answers) -> float:
    """Accuracy among the sure answers; 1 where there are none."""
    return accuracy(answers.take(answers.sure)) if answers.sure.any() else 1.0


# Those that a model's bundle carries.
HEADLINE: dict[str, Figure] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "ece": ece,
    "sure_share": sure_share,
    "sure_accuracy": sure_accuracy,
}


def headline(answers: Answers) -> dict[str, Metric]:
    """The figures of ``HEADLINE``, by name."""
    return {name: with_interval(figure, answers) for name, figure in HEADLINE.items()}


def with_interval(figure: Figure, answers: Answers, seed: int = 0) -> Metric:
    """A figure with its 95 % bootstrap interval over photos, clipped to 0–1.

    Args:
        figure: Computes the figure.
        answers: At least one.
        seed: Seed of the resampling.
    """
    return _interval(lambda rows: figure(answers.take(rows)), len(answers), seed)


def share(mask: Mask, seed: int = 0) -> Metric:
    """The share of photos for which something holds, with its interval."""
    return _interval(lambda rows: float(mask[rows].mean()), len(mask), seed)


def auroc(familiar: Floats, strange: Floats, seed: int = 0) -> Metric:
    """How well a score tells two kinds of photos apart, with its interval.

    Args:
        familiar: Scores of photos that should have high ones ``(n,)``.
        strange: Those of photos that should have low ones ``(m,)``.
        seed: Seed of the resampling.

    Returns:
        The area under the receiver operating characteristic: 0.5 is blind, 1 perfect.
    """
    scores, is_familiar = np.concatenate([familiar, strange]), np.arange(len(familiar) + len(strange)) < len(familiar)

    def figure(rows: Indices) -> float:
        kinds = is_familiar[rows]
        # A resample of few photos may hold only one of the kinds.
        return float(roc_auc_score(kinds, scores[rows])) if 0 < kinds.sum() < len(kinds) else 0.5

    return _interval(figure, len(scores), seed)


def _interval(figure: Callable[[Indices], float], count: int, seed: int) -> Metric:
    """A figure of rows with its interval.

    The interval is the "basic" one, reflected at the value (Davison and Hinkley 1997, section 5.2): resampling pushes
    figures such as the calibration error upwards, and the percentile interval would keep that bias.
    """
    value = figure(np.arange(count))
    draws = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    resampled = np.percentile([figure(draw) for draw in draws], [97.5, 2.5])
    low, high = np.clip(2 * value - resampled, 0, 1)
    return Metric(value=round(value, 4), low=round(float(low), 4), high=round(float(high), 4))
