"""Asks a model about photos whose labels are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from har_core.bundle import Bundle, BundleInfo, Outliers
from har_core.datasets import manifest as manifests
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError
from har_core.evaluation import kept as keeping
from har_core.evaluation import leaks, metrics
from har_core.evaluation.kept import Answer
from har_core.evaluation.metrics import Answers, Indices
from har_core.predictor import Predictor
from har_core.progress import Progress, silent


@dataclass(frozen=True)
class Part:
    """Photos with a model's answers.

    Attributes:
        photos: Rows of the effective manifest, by row of ``Dataset.base``.
        answers: In the same order.
    """

    photos: pd.DataFrame
    answers: Answers


@dataclass(frozen=True)
class Judged:
    """What a model says of a part of a dataset.

    Attributes:
        model: ``NAME@VERSION``.
        info: The bundle's description: labels, thresholds.
        dataset: Name of the dataset.
        split: Which part of it; None: all labelled photos.
        fingerprint: Of the dataset as it is now.
        clean: Photos that the model has not seen, so far as is known: all figures are of these.
        leaked: Photos that it has learnt from or was calibrated on, or nearly the same ones; None: there are none.
        leaks_known: False where the bundle carries no list of what the model has seen.
        unknown: Labels that the model does not know → how many photos have them; they are left out.
        unreadable: Path → what is wrong with it; left out, too.
    """

    model: str
    info: BundleInfo
    dataset: str
    split: str | None
    fingerprint: str
    clean: Part
    leaked: Part | None
    leaks_known: bool
    unknown: dict[str, int]
    unreadable: dict[str, str]

    @property
    def labels(self) -> list[str]:
        """The model's, in the order of its outputs."""
        return self.info.labels

    @property
    def photos(self) -> pd.DataFrame:
        """Those that the figures are of."""
        return self.clean.photos

    @property
    def answers(self) -> Answers:
        """Those that the figures are of."""
        return self.clean.answers


@dataclass(frozen=True)
class _Wanted:
    """What of a dataset a model can be judged by.

    Attributes:
        manifest: All photos that are not excluded.
        photos: Those of the split whose label the model knows.
        unknown: As in ``Judged``.
    """

    manifest: pd.DataFrame
    photos: pd.DataFrame
    unknown: dict[str, int]


def together(answers: Sequence[Answer], truth: Indices) -> Answers:
    """Puts answers beside the right labels' indices ``(n,)``."""
    return Answers(
        probabilities=np.stack([answer.probabilities for answer in answers]),
        truth=truth,
        sure=np.array([answer.sure for answer in answers]),
        energy=np.array([answer.energy for answer in answers], np.float32),
    )


def judge(predictor: Predictor, dataset: Dataset, split: str | None, progress: Progress = silent) -> Judged:
    """Asks a model about the labelled photos of a dataset; what it was asked before is not asked again.

    Args:
        predictor: The model.
        dataset: The dataset.
        split: Only photos of this split; all labelled ones when absent.
        progress: Told after each photo; an exception from it interrupts the work.

    Raises:
        DatasetError: The split has no labelled photo, the model knows none of the labels, none of the photos can be
            read, or the model has seen them all.
        BundleBroken: The list of what it has seen is damaged.
    """
    wanted = _wanted(predictor.bundle.info, dataset, split)
    found = keeping.fill(predictor, dataset, wanted.photos, progress)
    return _judged(predictor.bundle, dataset, split, wanted, found)


def kept(bundle: Bundle, dataset: Dataset, split: str | None) -> Judged | None:
    """As ``judge``, but asks nothing and loads no network; None where some photo was not asked about yet."""
    wanted = _wanted(bundle.info, dataset, split)
    found = keeping.read(bundle, dataset)
    if not wanted.photos.index.isin(found.index).all():
        return None
    return _judged(bundle, dataset, split, wanted, found.loc[wanted.photos.index])


def missing(bundle: Bundle, dataset: Dataset, split: str | None) -> int:
    """How many photos ``judge`` would ask a model about that it was never asked about.

    Raises:
        DatasetError: The split has no labelled photo, or the model knows none of the labels.
    """
    photos = _wanted(bundle.info, dataset, split).photos
    return int((~photos.index.isin(keeping.read(bundle, dataset).index)).sum())


def judge_outliers(
    predictor: Predictor, familiar: Answers, dataset: Dataset, progress: Progress = silent
) -> tuple[Outliers, dict[str, str]]:
    """Asks a model about photos that show none of its labels.

    Args:
        predictor: The model.
        familiar: Its answers for photos that do.
        dataset: The photos; their labels do not matter.
        progress: Told after each photo; an exception from it interrupts the work.

    Returns:
        The figures; and, path by path, what is wrong with the photos that cannot be read, and do not count.

    Raises:
        DatasetError: None can be read.
    """
    photos = manifests.included(dataset.manifest())
    found = keeping.fill(predictor, dataset, photos, progress)
    good = found[found["error"].isna()]
    if good.empty:
        raise DatasetError(f"There is no photo in {dataset.name} that can be read.")
    figures = Outliers(
        dataset=dataset.name,
        n=len(good),
        unsure_share=metrics.share(~good["sure"].to_numpy(bool)),
        auroc=metrics.auroc(familiar.energy, good["energy"].to_numpy()),
    )
    return figures, _unreadable(photos, found)


def _wanted(info: BundleInfo, dataset: Dataset, split: str | None) -> _Wanted:
    """Which photos of a dataset a model can be judged by.

    Raises:
        DatasetError: There is none; it says why.
    """
    where = _where(dataset, split)
    manifest = manifests.included(dataset.manifest())
    photos = manifest[manifest["label"].notna()]
    if split:
        photos = photos[(photos["split"] == split).fillna(False).astype(bool)]
    if photos.empty:
        raise DatasetError(f"There is no photo {where} that has a label: nothing to judge a model by.")
    is_known = photos["label"].isin(info.labels)
    if not is_known.any():
        raise DatasetError(
            f"There is no photo {where} whose label {info.reference} knows. It knows: {', '.join(info.labels)}."
        )
    unknown = {str(label): int(count) for label, count in photos.loc[~is_known, "label"].value_counts().items()}
    return _Wanted(manifest, photos[is_known], unknown)


def _where(dataset: Dataset, split: str | None) -> str:
    return f"in the split {split} of {dataset.name}" if split else f"in {dataset.name}"


def _judged(bundle: Bundle, dataset: Dataset, split: str | None, wanted: _Wanted, found: pd.DataFrame) -> Judged:
    model = bundle.reference
    where = _where(dataset, split)
    good = found["error"].isna()
    photos, answered = wanted.photos[good], found[good]
    if photos.empty:
        raise DatasetError(f"There is no photo {where} that can be read, of those whose label {model} knows.")
    is_seen = answered["seen"].to_numpy(bool) | leaks.made_from(bundle, photos, wanted.manifest)
    if is_seen.all():
        raise DatasetError(
            f"There is no photo {where} that {model} has not seen: it has learnt from them or was calibrated on them, "
            "and judged by them it would look too good. Choose other photos."
        )
    leaked = _part(bundle.info, photos[is_seen], answered[is_seen]) if is_seen.any() else None
    return Judged(
        model=model,
        info=bundle.info,
        dataset=dataset.name,
        split=split,
        fingerprint=manifests.fingerprint(wanted.manifest),
        clean=_part(bundle.info, photos[~is_seen], answered[~is_seen]),
        leaked=leaked,
        leaks_known=leaks.are_known(bundle),
        unknown=wanted.unknown,
        unreadable=_unreadable(wanted.photos, found),
    )


def _part(info: BundleInfo, photos: pd.DataFrame, answered: pd.DataFrame) -> Part:
    answers = Answers(
        probabilities=answered[[f"p{place}" for place in range(len(info.labels))]].to_numpy(np.float32),
        truth=pd.Categorical(photos["label"], categories=info.labels).codes.astype(np.intp),
        sure=answered["sure"].to_numpy(bool),
        energy=answered["energy"].to_numpy(np.float32),
    )
    return Part(photos, answers)


def _unreadable(photos: pd.DataFrame, found: pd.DataFrame) -> dict[str, str]:
    """Path → why there is no answer; both frames have the same rows."""
    bad = found["error"].notna()
    return dict(zip(photos.loc[bad, "path"].tolist(), found.loc[bad, "error"].tolist(), strict=True))
