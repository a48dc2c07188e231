"""A model judged by a part of a dataset, as the page shows it: read once, and each figure worked out once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from har_core.bundle import Bundle, Metric
from har_core.datasets.store import Dataset
from har_core.evaluation import curves, judging, kept, metrics
from har_core.evaluation import slices as slicing
from har_core.evaluation.curves import Counts
from har_core.evaluation.judging import Judged
from har_core.evaluation.metrics import Answers
from har_ui.datasets.view import Stamp, stamp_of

_HELD = 6


@dataclass(frozen=True)
class Choice:
    """What a visitor wants to be judged, and by what.

    Attributes:
        split: Which part of the dataset; None: all labelled photos.
    """

    bundle: Bundle
    dataset: Dataset
    split: str | None

    @property
    def model(self) -> str:
        """``NAME@VERSION``."""
        return self.bundle.reference

    @property
    def part(self) -> str:
        """The split as the command line names it."""
        return self.split or "all"


@dataclass(frozen=True)
class View:
    """A model's answers, and what follows from them.

    Attributes:
        choice: Whose answers, and for what.
    """

    choice: Choice
    judged: Judged

    @property
    def answers(self) -> Answers:
        """Those that the figures are of."""
        return self.judged.answers

    @property
    def labels(self) -> list[str]:
        """The model's, in the order of its outputs."""
        return self.judged.labels

    @property
    def energy_bar(self) -> float | None:
        """What a photo needs to be familiar; see ``Thresholds``."""
        return self.judged.info.thresholds.energy

    @cached_property
    def figures(self) -> dict[str, Metric]:
        """As in ``metrics.figures``."""
        return metrics.figures(self.answers)

    @cached_property
    def confusion(self) -> Counts:
        """As in ``curves.confusion``."""
        return curves.confusion(self.answers)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """As in ``curves.confused_pairs``."""
        return curves.confused_pairs(self.answers)

    @cached_property
    def confused(self) -> list[tuple[str, str]]:
        """The labels of ``pairs``: the right one, and what the model said."""
        return [tuple(self.labels[label] for label in pair) for pair in self.pairs[["truth", "found"]].to_numpy()]

    @cached_property
    def per_label(self) -> pd.DataFrame:
        """As in ``curves.per_label``."""
        return curves.per_label(self.answers, self.labels)

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """As in ``curves.reliability``."""
        return curves.reliability(self.answers)

    @cached_property
    def risk_coverage(self) -> pd.DataFrame:
        """As in ``curves.risk_coverage``."""
        return curves.risk_coverage(self.answers, self.energy_bar)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """As in ``slices.slices``."""
        return slicing.slices(self.judged.clean)

    @cached_property
    def photos(self) -> pd.DataFrame:
        """The photos with ``found`` (the best label), ``confidence``, ``right`` and ``sure``; by row of the dataset."""
        found = np.array(self.labels, object)[self.answers.found]
        return self.judged.photos.assign(
            found=found, confidence=self.answers.confidence, right=self.answers.right, sure=self.answers.sure
        )

    @cached_property
    def mistakes(self) -> pd.DataFrame:
        """The rows of ``photos`` with a wrong answer, the most confident first."""
        return self.photos.iloc[curves.mistakes(self.answers)]

    def answered(self, label: str, found: str) -> pd.DataFrame:
        """The rows of ``photos`` with a label and an answer, the most confident first."""
        these = self.photos[(self.photos["label"] == label) & (self.photos["found"] == found)]
        return these.sort_values("confidence", ascending=False, kind="stable")

    def probabilities(self, path: str) -> npt.NDArray[np.floating]:
        """What the model says of one of the photos: ``(labels,)``."""
        (place,) = np.flatnonzero(self.photos["path"] == path)
        return self.answers.probabilities[place]


def view_of(choice: Choice) -> View | None:
    """The view of a model's answers as they are kept; None where some photo was not asked about yet.

    Raises:
        DatasetError: As ``judging.judge``.
        BundleBroken: Likewise.
    """
    answers = kept.file_of(choice.bundle, choice.dataset)
    return _view(
        (str(choice.bundle.folder), choice.bundle.digest),
        (str(choice.dataset.folder), stamp_of(choice.dataset.folder)),
        choice.split,
        answers.stat().st_mtime_ns if answers.is_file() else 0,
        choice,
    )


@st.cache_resource(max_entries=_HELD, show_spinner="Reading the answers …")
def _view(
    model: tuple[str, str], dataset: tuple[str, Stamp], split: str | None, answers: int, _choice: Choice
) -> View | None:
    del model, dataset, split, answers  # They are here to be the cache's key.
    judged = judging.kept(_choice.bundle, _choice.dataset, _choice.split)
    return View(_choice, judged) if judged else None
