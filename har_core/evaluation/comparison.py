"""Two models on the same photos: which one is better, and is that more than chance?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from har_core.bundle import Metric
from har_core.errors import DatasetError
from har_core.evaluation import metrics
from har_core.evaluation.judging import Judged

# Figure → the most that it can differ by.
DIFFERENCES = {"accuracy": 1.0, "macro_f1": 1.0, "ece": 1.0, "log_loss": np.inf}


@dataclass(frozen=True)
class Comparison:
    """Two models, ``a`` and ``b``, on the photos that neither has seen and whose label both know.

    Attributes:
        model_a: ``NAME@VERSION``.
        model_b: The other.
        dataset: Name of the dataset.
        split: Which part of it; None: all labelled photos.
        n: How many photos.
        labels: Those that both know; ``macro_f1`` is the mean over these.
        a: The figures of ``a`` on these photos, by name.
        b: Those of ``b``.
        difference: Those of ``DIFFERENCES``, ``b`` minus ``a``, each with the 95 % interval of a paired bootstrap.
        p_value: Of the exact McNemar test: how probable it is that the models' rights and wrongs differ this much when
            they are equally good.
        gained: The photos where only ``b`` is right: the manifest's columns, ``found_a``, ``found_b``,
            ``confidence_a`` and ``confidence_b``; that of which ``b`` is most confident first.
        lost: The same where only ``a`` is right.
        notes: What was left out and why, in sentences.
    """

    model_a: str
    model_b: str
    dataset: str
    split: str | None
    n: int
    labels: list[str]
    a: dict[str, Metric]
    b: dict[str, Metric]
    difference: dict[str, Metric]
    p_value: float
    gained: pd.DataFrame
    lost: pd.DataFrame
    notes: list[str]


def compare(a: Judged, b: Judged) -> Comparison:
    """Compares two models that were judged on the same part of a dataset.

    Raises:
        DatasetError: They were judged on different photos, or there is no photo that both can be judged by.
    """
    if (a.dataset, a.split, a.fingerprint) != (b.dataset, b.split, b.fingerprint):
        raise DatasetError(f"{a.model} and {b.model} were judged on different photos: judge them on the same ones.")
    rows = a.photos.index.intersection(b.photos.index)
    if rows.empty:
        raise DatasetError(
            f"There is no photo in {a.dataset} that both {a.model} and {b.model} can be judged by: each knows other "
            "labels, or has seen what the other has not."
        )
    common = [label for label in a.labels if label in b.labels]
    answers_a, answers_b = (one.answers.take(one.photos.index.get_indexer(rows)) for one in (a, b))
    scored = [np.array([one.labels.index(label) for label in common]) for one in (a, b)]
    samples_a, samples_b = metrics.resampled([answers_a, answers_b], scored)
    right_a, right_b = answers_a.right, answers_b.right
    table = a.photos.loc[rows].assign(
        found_a=np.array(a.labels)[answers_a.found],
        found_b=np.array(b.labels)[answers_b.found],
        confidence_a=answers_a.confidence,
        confidence_b=answers_b.confidence,
    )
    return Comparison(
        model_a=a.model,
        model_b=b.model,
        dataset=a.dataset,
        split=a.split,
        n=len(rows),
        labels=common,
        a=metrics.with_intervals(samples_a, len(rows)),
        b=metrics.with_intervals(samples_b, len(rows)),
        difference={
            name: metrics.interval(samples_b[name] - samples_a[name], -most, most) for name, most in DIFFERENCES.items()
        },
        p_value=mcnemar(int((~right_a & right_b).sum()), int((right_a & ~right_b).sum())),
        gained=_surest_first(table[~right_a & right_b]),
        lost=_surest_first(table[right_a & ~right_b]),
        notes=_notes(a, b, rows),
    )


def mcnemar(gained: int, lost: int) -> float:
    """How probable it is that two equally good models differ this much or more, two-sided and exact (McNemar 1947).

    Args:
        gained: How many photos only one model is right about.
        lost: How many only the other.
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - as in metrics.wilson

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _surest_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("confidence_b", ascending=False, kind="stable")


def _notes(a: Judged, b: Judged, rows: pd.Index) -> list[str]:
    """What one model was judged by and the other was not, and why not."""
    notes = []
    for one, other in ((a, b), (b, a)):
        rest = one.photos[~one.photos.index.isin(rows)]
        seen = rest.index.isin(other.leaked.photos.index if other.leaked else [])
        unknown = ~rest["label"].isin(other.labels).to_numpy(bool)
        names = ", ".join(sorted(rest.loc[unknown, "label"].unique()))
        reasons = {
            f"since {other.model} does not know their labels ({names})": unknown,
            f"since {other.model} has seen them": seen,
            f"since there is no answer of {other.model} for them": ~seen & ~unknown,
        }
        notes += [f"Photos left out, {reason}: {mask.sum():,}." for reason, mask in reasons.items() if mask.any()]
        if not other.leaks_known:
            notes.append(f"{other.model} carries no list of what it has seen: it may know some of the photos.")
    return notes
