"""Figures that say how good predictions are, each with a bootstrap interval."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from har_core.bundle import Metric

Probabilities = npt.NDArray[np.floating]
Indices = npt.NDArray[np.integer]
Figure = Callable[[Probabilities, Indices], float]

_ECE_BINS = 15
_RESAMPLES = 1000


def accuracy(probabilities: Probabilities, truth: Indices) -> float:
    """Share of photos whose best label is right."""
    return float((probabilities.argmax(axis=1) == truth).mean())


def macro_f1(probabilities: Probabilities, truth: Indices) -> float:
    """Mean over all labels of the harmonic mean of precision and recall; a label that is never right counts 0."""
    labels = np.arange(probabilities.shape[1])
    return float(f1_score(truth, probabilities.argmax(axis=1), labels=labels, average="macro", zero_division=0))


def ece(probabilities: Probabilities, truth: Indices) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over 15 bins of equal width.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * _ECE_BINS).astype(int), _ECE_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=_ECE_BINS)
    return float(np.abs(gaps).sum() / len(truth))


def sure_share(threshold: float) -> Figure:
    """Share of photos whose confidence reaches a threshold."""
    return lambda probabilities, _: float((probabilities.max(axis=1) >= threshold).mean())


def sure_accuracy(threshold: float) -> Figure:
    """Accuracy among the photos whose confidence reaches a threshold; 1 where there are none."""

    def figure(probabilities: Probabilities, truth: Indices) -> float:
        sure = probabilities.max(axis=1) >= threshold
        return accuracy(probabilities[sure], truth[sure]) if sure.any() else 1.0

    return figure


def with_interval(figure: Figure, probabilities: Probabilities, truth: Indices, seed: int = 0) -> Metric:
    """A figure with its 95 % bootstrap interval over photos, clipped to 0–1.

    The interval is the "basic" one, reflected at the value (Davison and Hinkley 1997, section 5.2): resampling pushes
    figures such as the calibration error upwards, and the percentile interval would keep that bias.

    Args:
        figure: Computes the figure from probabilities ``(n, labels)`` and label indices ``(n,)``.
        probabilities: Calibrated probabilities ``(n, labels)``.
        truth: Index of the right label ``(n,)``; n is at least 1.
        seed: Seed of the resampling.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(truth), (_RESAMPLES, len(truth)))
    value = figure(probabilities, truth)
    resampled = np.percentile([figure(probabilities[draw], truth[draw]) for draw in draws], [97.5, 2.5])
    low, high = np.clip(2 * value - resampled, 0, 1)
    return Metric(value=round(value, 4), low=round(float(low), 4), high=round(float(high), 4))
