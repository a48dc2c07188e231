"""Figures that say how good answers are, each with a bootstrap interval, or Wilson's where that says nothing.

All figures follow from sums over photos, so a bootstrap resample is a weight for each photo, and a thousand of them are
one sparse matrix product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from har_core.bundle import Metric

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]

ECE_BINS = 15

# All figures, the most important ones first.
FIGURES = (
    "accuracy",
    "top3_accuracy",
    "balanced_accuracy",
    "macro_f1",
    "weighted_f1",
    "log_loss",
    "brier",
    "ece",
    "sure_share",
    "sure_accuracy",
)
# Those that a model's bundle carries.
HEADLINE = ("accuracy", "macro_f1", "ece", "sure_share", "sure_accuracy")

_HIGHEST = {"log_loss": np.inf, "brier": 2.0}  # All others are shares.
_RESAMPLES = 1000
_CHUNK = 100


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

    @property
    def confidence(self) -> Floats:
        """Probability of the best label ``(n,)``."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> Mask:
        """Whether the best label is right ``(n,)``."""
        return self.found == self.truth

    def take(self, rows: Indices | Mask) -> "Answers":
        """Those of some photos."""
        return Answers(self.probabilities[rows], self.truth[rows], self.sure[rows], self.energy[rows])


def figures(answers: Answers) -> dict[str, Metric]:
    """The figures of ``FIGURES`` by name, each with its 95 % bootstrap interval over photos; see ``interval``.

    ``accuracy``, ``top3_accuracy``
        Share of photos whose label is the best one, or among the best three.
    ``balanced_accuracy``
        Mean recall of the labels that occur.
    ``macro_f1``, ``weighted_f1``
        Mean over all labels of the harmonic mean of precision and recall, each label counting the same or by its
        photos; a label that is never right counts 0.
    ``log_loss``
        Mean negative logarithm of the right label's probability; probabilities of 0 count as the smallest above.
    ``brier``
        Mean squared distance of the probabilities from the truth, summed over the labels: 0–2 (Brier 1950).
    ``ece``
        Expected calibration error: mean gap between confidence and accuracy over 15 bins of equal width (Guo et al.
        2017, https://arxiv.org/abs/1706.04599).
    ``sure_share``, ``sure_accuracy``
        Share of photos with a sure answer; accuracy among these, 1 where there are none.

    Args:
        answers: At least one.
    """
    (samples,) = resampled([answers])
    return with_intervals(samples, len(answers))


def headline(answers: Answers) -> dict[str, Metric]:
    """The figures of ``HEADLINE``, by name."""
    found = figures(answers)
    return {name: found[name] for name in HEADLINE}


def values(answers: Answers) -> dict[str, float]:
    """The figures of ``FIGURES`` by name, without intervals: in no time."""
    totals = np.asarray(_design(answers).sum(axis=0)).reshape(1, -1)
    found = _from_totals(totals, len(answers), np.arange(answers.probabilities.shape[1]))
    return {name: float(samples[0]) for name, samples in found.items()}


def resampled(answers: Sequence[Answers], scored: Sequence[Indices] | None = None) -> list[dict[str, Floats]]:
    """The figures of models for the same photos, and for the same 1000 resamples of these.

    Args:
        answers: Of each model, photo by photo.
        scored: The labels of each model that ``macro_f1`` is the mean over; all when absent.

    Returns:
        For each model, figure → float64 ``(1 + 1000,)``: for the photos as they are, then for each resample.
    """
    counts = [one.probabilities.shape[1] for one in answers]
    design = sparse.hstack([_design(one) for one in answers], format="csr")
    totals = np.concatenate([weights @ design for weights in _weights(len(answers[0]))])
    starts = np.cumsum([0, *(6 + ECE_BINS + 3 * count for count in counts)])
    return [
        _from_totals(totals[:, start:stop], len(answers[0]), labels)
        for start, stop, labels in zip(starts[:-1], starts[1:], scored or map(np.arange, counts), strict=True)
    ]


def with_intervals(samples: dict[str, Floats], n: int) -> dict[str, Metric]:
    """The figures of one model for ``n`` photos, each with its interval, from what ``resampled`` gives for it."""
    sure = round(float(samples["sure_share"][0]) * n)
    counted = {**dict.fromkeys(("accuracy", "top3_accuracy", "sure_share"), n), "sure_accuracy": sure}
    return {name: interval(samples[name], 0, _HIGHEST.get(name, 1.0), counted.get(name)) for name in FIGURES}


def interval(samples: Floats, lowest: float, highest: float, n: int | None = None) -> Metric:
    """A figure with its 95 % interval.

    The interval is the "basic" one, reflected at the value (Davison and Hinkley 1997, section 5.2): resampling pushes
    figures such as the calibration error upwards, and the percentile interval would keep that bias.

    Of a few photos that were all answered rightly, every resample says the same: that the model cannot be wrong. The
    interval of a share is then Wilson's (1927).

    Args:
        samples: The value, then that of each resample ``(1 + resamples,)``.
        lowest: The least that the figure can be.
        highest: The most.
        n: Of how many photos it is a share; None: it is none.
    """
    value = float(samples[0])
    low, high = np.clip(2 * value - np.percentile(samples[1:], [97.5, 2.5]), lowest, highest)
    if n is not None and low == high:
        low, high = wilson(round(value * n), n) if n else (0.0, 1.0)
    return Metric(value=round(value, 4), low=round(float(low), 4), high=round(float(high), 4))


def share(mask: Mask) -> Metric:
    """The share of photos for which something holds, with its interval."""
    samples = np.concatenate([weights @ mask for weights in _weights(len(mask))]) / len(mask)
    return interval(samples, 0, 1, len(mask))


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, good for few photos, too (Wilson 1927); ``(nan, nan)`` of none."""
    if not n:
        return np.nan, np.nan
    # Slow to import, which pages would wait for.
    from scipy.stats import binomtest  # noqa: PLC0415

    found = binomtest(int(right), int(n)).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def auroc(familiar: Floats, strange: Floats) -> Metric:
    """How well a score tells two kinds of photos apart, with its interval.

    Args:
        familiar: Scores of photos that should have high ones ``(n,)``.
        strange: Those of photos that should have low ones ``(m,)``.

    Returns:
        The area under the receiver operating characteristic: 0.5 is blind, 1 perfect.
    """
    scores, is_familiar = np.concatenate([familiar, strange]), np.arange(len(familiar) + len(strange)) < len(familiar)
    order = np.argsort(scores)
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # Of photos with the same score.
    samples = []
    for weights in _weights(len(scores)):
        high, low = (
            np.add.reduceat((weights * kind)[:, order], starts, axis=1) for kind in (is_familiar, ~is_familiar)
        )
        passed = np.cumsum(low, axis=1) - low / 2
        # A resample of few photos may hold only one of the kinds.
        samples.append(_ratio((high * passed).sum(axis=1), high.sum(axis=1) * low.sum(axis=1), 0.5))
    return interval(np.concatenate(samples), 0, 1)


def _weights(count: int, seed: int = 0) -> Iterator[Floats]:
    """How often each photo is drawn, some resamples at a time ``(resamples, n)``; each once in the first."""
    rng = np.random.default_rng(seed)
    yield np.ones((1, count))
    for start in range(0, _RESAMPLES, _CHUNK):
        draws = rng.integers(0, count, (min(_CHUNK, _RESAMPLES - start), count))
        yield np.stack([np.bincount(draw, minlength=count) for draw in draws]).astype(float)


def _design(answers: Answers) -> sparse.csr_array:
    """What of each photo is summed up ``(n, 6 + bins + 3 labels)``; ``_from_totals`` takes it apart again."""
    n, labels = answers.probabilities.shape
    found, confidence, rows = answers.found, answers.confidence, np.arange(n)
    right = found == answers.truth
    of_truth = answers.probabilities[rows, answers.truth]
    smallest = np.finfo(answers.probabilities.dtype).eps
    squares = np.square(answers.probabilities, dtype=float).sum(axis=1)
    plain = [
        right,
        _rank(answers) < 3,
        -np.log(np.clip(of_truth, smallest, None, dtype=float)),
        squares - 2 * of_truth.astype(float) + 1,
        answers.sure,
        answers.sure & right,
    ]
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    parts = [
        np.stack(plain, axis=1).astype(float),
        sparse.csr_array((right - confidence, (rows, bins)), (n, ECE_BINS), dtype=float),
        *(
            sparse.csr_array((np.ones(len(which)), (which, label[which])), (n, labels))
            for which, label in ((rows, answers.truth), (rows, found), (np.flatnonzero(right), found))
        ),
    ]
    return sparse.hstack(parts, format="csr")


def _from_totals(totals: Floats, n: int, scored: Indices) -> dict[str, Floats]:
    """The figures ``(samples,)`` by name, from sums over ``n`` photos; ``scored`` as for ``resampled``."""
    right, top3, log_loss, brier, sure, sure_right = totals[:, :6].T
    gaps, of_labels = totals[:, 6 : 6 + ECE_BINS], totals[:, 6 + ECE_BINS :].reshape(len(totals), 3, -1)
    actual, found, hits = of_labels[:, 0], of_labels[:, 1], of_labels[:, 2]
    f1 = _ratio(2 * hits, actual + found, 0)
    return {
        "accuracy": right / n,
        "top3_accuracy": top3 / n,
        "balanced_accuracy": _ratio(hits, actual, 0).sum(axis=1) / (actual > 0).sum(axis=1),
        "macro_f1": f1[:, scored].mean(axis=1),
        "weighted_f1": (f1 * actual).sum(axis=1) / n,
        "log_loss": log_loss / n,
        "brier": brier / n,
        "ece": np.abs(gaps).sum(axis=1) / n,
        "sure_share": sure / n,
        "sure_accuracy": _ratio(sure_right, sure, 1),
    }


def _ratio(part: Floats, whole: Floats, otherwise: float) -> Floats:
    return np.divide(part, whole, out=np.full_like(whole, otherwise), where=whole > 0)


def _rank(answers: Answers) -> Indices:
    """How many labels come before the right one ``(n,)``; of equals, the first in the list comes first."""
    of_truth = answers.probabilities[np.arange(len(answers)), answers.truth][:, None]
    is_earlier = np.arange(answers.probabilities.shape[1]) < answers.truth[:, None]
    before = (answers.probabilities > of_truth) | ((answers.probabilities == of_truth) & is_earlier)
    return before.sum(axis=1)
