"""Asks a model about photos whose labels are known."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from har_core import images
from har_core.bundle import Outliers
from har_core.datasets.manifest import included
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError, HarError
from har_core.evaluation import metrics
from har_core.evaluation.metrics import Answers, Indices
from har_core.images import RGBImage
from har_core.predictor import Predictor
from har_core.progress import Progress, silent


@dataclass(frozen=True)
class Judged:
    """What a model says of a part of a dataset.

    Attributes:
        answers: One for each photo that could be judged.
        unknown: Labels that the model does not know → how many photos have them; they are left out.
        unreadable: Path → what is wrong with it; left out, too.
    """

    answers: Answers
    unknown: dict[str, int]
    unreadable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a model says of one photo; the fields are those of ``metrics.Answers``."""

    probabilities: npt.NDArray[np.float32]
    sure: bool
    energy: float


def ask(predictor: Predictor, image: RGBImage) -> Answer:
    """Asks a model about one photo, as those who use it do."""
    found = predictor.predict(image, len(predictor.labels))
    by_label = {item.label: item.score for item in found.predictions}
    probabilities = np.array([by_label[label] for label in predictor.labels], np.float32)
    return Answer(probabilities, found.decision == "sure", found.energy)


def together(answers: Sequence[Answer], truth: Indices) -> Answers:
    """Puts answers beside the right labels' indices ``(n,)``."""
    return Answers(
        probabilities=np.stack([answer.probabilities for answer in answers]),
        truth=truth,
        sure=np.array([answer.sure for answer in answers]),
        energy=np.array([answer.energy for answer in answers], np.float32),
    )


def judge(predictor: Predictor, dataset: Dataset, split: str | None, progress: Progress = silent) -> Judged:
    """Asks a model about the labelled photos of a dataset.

    Args:
        predictor: The model.
        dataset: The dataset.
        split: Only photos of this split; all labelled ones when absent.
        progress: Told after each photo; an exception from it interrupts the work.

    Raises:
        DatasetError: No photo of that split has a label that the model knows.
    """
    photos = included(dataset.manifest())
    photos = photos[photos["label"].notna()]
    if split:
        photos = photos[photos["split"] == split]
    is_known = photos["label"].isin(predictor.labels)
    unknown = {str(label): int(count) for label, count in photos.loc[~is_known, "label"].value_counts().items()}
    photos = photos[is_known]
    found = _ask_files(predictor, photos["path"].tolist(), progress)
    good = {path: item for path, item in found.items() if isinstance(item, Answer)}
    if not good:
        where = f"in the split {split} of {dataset.name}" if split else f"in {dataset.name}"
        raise DatasetError(f"There is no photo {where} that has a label which the model knows, and can be read.")
    truth = pd.Categorical(photos.loc[photos["path"].isin(good.keys()), "label"], categories=predictor.labels).codes
    return Judged(together(list(good.values()), truth.astype(np.intp)), unknown, _unreadable(found))


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
    found = _ask_files(predictor, included(dataset.manifest())["path"].tolist(), progress)
    good = [item for item in found.values() if isinstance(item, Answer)]
    if not good:
        raise DatasetError(f"There is no photo in {dataset.name} that can be read.")
    figures = Outliers(
        dataset=dataset.name,
        n=len(good),
        unsure_share=metrics.share(~np.array([item.sure for item in good])),
        auroc=metrics.auroc(familiar.energy, np.array([item.energy for item in good], np.float32)),
    )
    return figures, _unreadable(found)


def _unreadable(found: dict[str, Answer | HarError]) -> dict[str, str]:
    return {path: str(item) for path, item in found.items() if isinstance(item, HarError)}


def _ask_files(predictor: Predictor, paths: Sequence[str], progress: Progress) -> dict[str, Answer | HarError]:
    """The model's answer for each photo, or what is wrong with the file, in order."""

    def one(path: str) -> Answer | HarError:
        try:
            return ask(predictor, images.decode(images.read(Path(path)), min_side=predictor.input_size))
        except HarError as error:
            return error

    found: dict[str, Answer | HarError] = {}
    with ThreadPoolExecutor(predictor.threads) as pool:
        for path, result in zip(paths, pool.map(one, paths), strict=True):
            found[path] = result
            progress(len(found), len(paths), "asking the model")
    return found
