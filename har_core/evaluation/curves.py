"""What lies behind the figures: confusions, label by label, calibration, and what an answer being sure is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_curve, precision_recall_fscore_support

from har_core.evaluation.metrics import ECE_BINS, Answers, Floats, Mask, wilson

Counts = npt.NDArray[np.int64]

_MOST_POINTS = 1000


@dataclass(frozen=True)
class Operating:
    """How many answers are sure and right, when they are sure from some confidence on."""

    threshold: float
    sure: int
    sure_right: int
    sure_wrong: int
    unsure_right: int
    unsure_wrong: int

    @property
    def coverage(self) -> float:
        """Share of the answers that are sure."""
        return self.sure / (self.sure + self.unsure_right + self.unsure_wrong)

    @property
    def accuracy(self) -> float:
        """Share of the sure answers that are right; NaN where there are none."""
        return self.sure_right / self.sure if self.sure else float("nan")


def confusion(answers: Answers) -> Counts:
    """How many photos of a label were taken for which: int64 ``(labels, labels)``, rows truth, columns found."""
    labels = np.arange(answers.probabilities.shape[1])
    return confusion_matrix(answers.truth, answers.found, labels=labels).astype(np.int64)


def confused_pairs(answers: Answers) -> pd.DataFrame:
    """Which labels are taken for which others, most frequent first.

    Returns:
        ``truth`` and ``found`` (label indices), ``count``, and ``share``: of the photos with the right label.
    """
    counts = confusion(answers)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    truth, found = np.nonzero(counts)
    pairs = pd.DataFrame({"truth": truth, "found": found, "count": counts[truth, found]})
    pairs["share"] = pairs["count"] / totals[truth]
    return pairs.sort_values(["count", "share"], ascending=False, kind="stable", ignore_index=True)


def per_label(answers: Answers, labels: Sequence[str]) -> pd.DataFrame:
    """How good the answers are label by label, each against all others.

    Args:
        answers: Of the model.
        labels: Its labels.

    Returns:
        ``label``, ``photos``, ``precision``, ``recall``, ``f1``, ``auroc`` and ``average_precision`` (as scikit-learn
        defines them), in the order of the labels; NaN where a figure is undefined.
    """
    precision, recall, f1, photos = precision_recall_fscore_support(
        answers.truth, answers.found, labels=np.arange(len(labels)), zero_division=np.nan
    )
    # By label in one piece: sorting goes through it.
    columns = np.ascontiguousarray(answers.probabilities.T)
    ranked = [_ranked(column, answers.truth == label) for label, column in enumerate(columns)]
    auroc, average_precision = np.array(ranked).T
    return pd.DataFrame(
        {
            "label": list(labels),
            "photos": photos,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "auroc": auroc,
            "average_precision": average_precision,
        }
    )


def _ranked(scores: Floats, is_positive: Mask) -> tuple[float, float]:
    """Area under the receiver operating characteristic, and average precision.

    Scikit-learn's go through each label several times over, which takes more than a second for 100 labels.
    """
    ordered, positives = np.sort(scores), np.sort(scores[is_positive])
    n, count = len(ordered), len(positives)
    if not count:
        return np.nan, np.nan
    below, up_to = (np.searchsorted(ordered, positives, side) for side in ("left", "right"))
    own_below, own_up_to = (np.searchsorted(positives, positives, side) for side in ("left", "right"))
    # For each photo of the label: the others that rank below it, half of those that rank the same.
    passed = ((below - own_below) + (up_to - own_up_to)) / 2
    auroc = passed.mean() / (n - count) if count < n else np.nan
    return float(auroc), float(((count - own_below) / (n - below)).mean())


def precision_recall(answers: Answers, label: int) -> pd.DataFrame:
    """Precision and recall of a label, from whichever probability on a photo is given it.

    Args:
        answers: Of the model.
        label: Its index; some photo must have it.

    Returns:
        ``recall`` (falling), ``precision``, ``threshold`` (rising; NaN for the last point, where nothing is found).
    """
    precision, recall, threshold = precision_recall_curve(
        answers.truth == label, answers.probabilities[:, label], drop_intermediate=True
    )
    return pd.DataFrame({"recall": recall, "precision": precision, "threshold": np.append(threshold, np.nan)})


def reliability(answers: Answers, bins: int = ECE_BINS) -> pd.DataFrame:
    """How often answers are right, by how probable the model calls them.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599; intervals by Wilson.

    Args:
        answers: Of the model.
        bins: Of equal width.

    Returns:
        One row a bin: ``low`` and ``high`` (its edges), ``n``, and, NaN where it is empty, ``confidence`` (mean),
        ``accuracy``, ``accuracy_low``, ``accuracy_high``.
    """
    confidence = answers.confidence
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    n = np.bincount(places, minlength=bins)
    right = np.bincount(places, weights=answers.right, minlength=bins)
    total = np.bincount(places, weights=confidence, minlength=bins)
    intervals = np.array([wilson(hits, count) for hits, count in zip(right, n, strict=True)])
    edges, filled = np.linspace(0, 1, bins + 1), np.where(n, n, np.nan)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "confidence": total / filled,
            "accuracy": right / filled,
            "accuracy_low": intervals[:, 0],
            "accuracy_high": intervals[:, 1],
        }
    )


def risk_coverage(answers: Answers, energy_bar: float | None) -> pd.DataFrame:
    """How many sure answers are wrong, by how many are sure (El-Yaniv and Wiener 2010, “selective classification”).

    Args:
        answers: Of the model.
        energy_bar: Photos of less energy are unsure whatever the threshold; None: there is no such bar.

    Returns:
        ``threshold`` (falling), ``coverage`` (share of the answers that are sure, ascending) and ``risk`` (share of
        these that is wrong); at most 1000 points.
    """
    confidence, right = answers.confidence, answers.right
    familiar = np.flatnonzero(_familiar(answers, energy_bar))
    order = familiar[np.argsort(-confidence[familiar], kind="stable")]
    wrong = np.cumsum(~right[order])
    # Equal confidences are sure together.
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True)) if len(order) else order
    shown = last[np.unique(np.linspace(0, len(last) - 1, min(len(last), _MOST_POINTS)).round().astype(int))]
    return pd.DataFrame(
        {
            "threshold": confidence[order][shown].astype(float),
            "coverage": (shown + 1) / len(answers),
            "risk": wrong[shown] / (shown + 1),
        }
    )


def operating_point(answers: Answers, threshold: float, energy_bar: float | None) -> Operating:
    """What comes of calling answers sure from a confidence on.

    Args:
        answers: Of the model.
        threshold: Lowest confidence of a sure answer.
        energy_bar: As for ``risk_coverage``.
    """
    sure, right = (answers.confidence >= threshold) & _familiar(answers, energy_bar), answers.right
    counts = (sure, sure & right, sure & ~right, ~sure & right, ~sure & ~right)
    return Operating(threshold, *(int(mask.sum()) for mask in counts))


def mistakes(answers: Answers) -> npt.NDArray[np.intp]:
    """Places of the wrong answers, the most confident first."""
    wrong = np.flatnonzero(~answers.right)
    return wrong[np.argsort(-answers.confidence[wrong], kind="stable")]


def _familiar(answers: Answers, energy_bar: float | None) -> Mask:
    if energy_bar is None:
        return np.ones(len(answers), bool)
    return answers.energy >= np.float64(energy_bar)
