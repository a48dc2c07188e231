"""Figures about a dataset as tables, ready to be drawn. Draws nothing."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from har_core.datasets.manifest import SPLITS
from har_core.spreadsheets import safe_cell
from har_ui.datasets.query import NO_SPLIT

_BINS = 32
_MOST_SIZES = 600


def label_counts(photos: pd.DataFrame) -> pd.DataFrame:
    """How many photos of each label lie in each split.

    Returns:
        int64; index: labels, the most frequent first; columns: the splits in use, ``NO_SPLIT`` last.
    """
    splits = photos["split"].fillna(NO_SPLIT)
    table = pd.crosstab(photos["label"], splits).reindex(columns=[*SPLITS, NO_SPLIT], fill_value=0)
    table = table.loc[:, table.any()]
    return table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]


def size_counts(photos: pd.DataFrame) -> pd.DataFrame:
    """How many photos have each size; sizes are rounded ever more coarsely until there are few enough to draw.

    Returns:
        Columns ``width``, ``height`` (pixels) and ``count``.
    """
    step = 1
    while True:
        rounded = photos[["width", "height"]].floordiv(step) * step
        counts = rounded.value_counts().rename("count").reset_index()
        if len(counts) <= _MOST_SIZES:
            return counts
        step = max(8, step * 2)


def brightness_counts(photos: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """A histogram of the photos' mean brightness: counts ``(32,)`` and edges ``(33,)``, 0–255."""
    return np.histogram(photos["brightness"], bins=_BINS, range=(0, 255))


def to_csv(table: pd.DataFrame) -> str:
    """A table of text as CSV that no spreadsheet program takes for formulas."""
    safe = table.apply(lambda column: column.map(safe_cell))
    return str(safe.to_csv(index=False, lineterminator="\n"))
