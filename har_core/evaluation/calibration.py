"""Makes probabilities honest, and decides from which one on an answer counts as sure."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from har_core import scores
from har_core.bundle import Thresholds

Floats = npt.NDArray[np.floating]

# What is more probably wrong than right is not sure, however good the model is on the whole.
_LEAST_CONFIDENCE = 0.5

# The paper on energy keeps 95 %. Of photos of nothing on the list, 90 % lets half as many pass, for three answers in a
# hundred fewer (docs/experiments.md).
_FAMILIAR = 0.9


def fit_temperature(logits: Floats, truth: npt.NDArray[np.integer]) -> float:
    """Finds the temperature that gives held-out labels the highest likelihood.

    As if there were one photo more, of which nothing is known but that it is one of its two likeliest labels: of few
    photos that are all answered rightly, certainty would be most likely otherwise. Among thousands it makes no
    difference; among a hundred, about a point of probability.

    Sources: Guo et al. 2017, "On Calibration of Modern Neural Networks", https://arxiv.org/abs/1706.04599; for targets
    short of certainty, Platt 1999, "Probabilistic Outputs for Support Vector Machines".

    Args:
        logits: ``(n, labels)``.
        truth: Index of the right label ``(n,)``.

    Returns:
        The temperature, 0.05–20.
    """
    likeliest = np.argsort(logits, axis=1)[:, -2:]

    def negative_log_likelihood(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        known = log_probabilities[np.arange(len(truth)), truth].sum()
        unknown = np.take_along_axis(log_probabilities, likeliest, axis=1).mean()
        return float(-(known + unknown) / (len(truth) + 1))

    found = minimize_scalar(negative_log_likelihood, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def fit_threshold(confidence: Floats, right: npt.NDArray[np.bool_], precision: float) -> float:
    """Finds the lowest confidence at and above which the stated share of held-out answers is right.

    Args:
        confidence: Probability of each photo's best label ``(n,)``.
        right: Whether that label is right ``(n,)``.
        precision: The share wanted, 0–1.

    Returns:
        The threshold; 1 where no threshold reaches the share.
    """
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Equal confidences are answered together, so only the last of them can be a threshold.
    last = np.append(np.diff(confidence[order]) != 0, True)
    reached = np.flatnonzero((share >= precision) & last)
    return float(confidence[order][reached[-1]]) if len(reached) else 1.0


def fit_energy(energy: Floats) -> float:
    """Finds the energy that nine of ten held-out photos reach: those count as familiar.

    Args:
        energy: Of each photo ``(n,)``; see ``har_core.scores``.
    """
    return float(np.quantile(energy, 1 - _FAMILIAR))


def fit_thresholds(logits: Floats, truth: npt.NDArray[np.integer], temperature: float, precision: float) -> Thresholds:
    """Chooses, on held-out photos, from which confidence and which energy on an answer counts as sure.

    Args:
        logits: ``(n, labels)``.
        truth: Label indices ``(n,)``.
        temperature: Of the probabilities.
        precision: Share of right answers wanted among the sure ones, 0–1. The confidence is a half at least.
    """
    probabilities, energy = scores.probabilities(logits, temperature), scores.energy(logits)
    lowest = fit_energy(energy)
    familiar = energy >= lowest  # Strange photos are unsure however confident the answer: they have no say here.
    right = probabilities.argmax(axis=1) == truth
    confidence = fit_threshold(probabilities.max(axis=1)[familiar], right[familiar], precision)
    return Thresholds(confidence=max(confidence, _LEAST_CONFIDENCE), precision=precision, energy=lowest)
