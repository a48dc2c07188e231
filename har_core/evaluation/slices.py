"""Whether a model is as good on dark, small or blurred photos, and those of each source, as on the others."""

from collections.abc import Callable

import pandas as pd

from har_core.evaluation.judging import Part
from har_core.evaluation.metrics import wilson

# Kind → what of the photos; the size is that of the shorter side, pixels.
_NUMBERS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "brightness": lambda photos: photos["brightness"],
    "size": lambda photos: photos[["width", "height"]].min(axis=1),
    "sharpness": lambda photos: photos["sharpness"],
}
_PARTS = 4
_MOST_SOURCES = 12
_OTHER = "all others"


def slices(part: Part) -> pd.DataFrame:
    """The accuracy on parts of the photos: quarters by brightness, size and sharpness, and source by source.

    Args:
        part: Photos with answers.

    Returns:
        ``kind`` (``brightness``, ``size``, ``sharpness`` or ``source``), ``name`` (the range, or the source), ``n``,
        ``accuracy``, ``low``, ``high`` (95 %, Wilson). A kind in which all photos are alike is left out.
    """
    names = {kind: _quarters(value(part.photos)) for kind, value in _NUMBERS.items()}
    names["source"] = _sources(part.photos["source"])
    right = pd.Series(part.answers.right, part.photos.index)
    rows = [
        (kind, str(slice_name), len(hits), float(hits.mean()), *wilson(int(hits.sum()), len(hits)))
        for kind, name in names.items()
        if name.nunique() > 1
        for slice_name, hits in right.groupby(name, observed=True)
    ]
    return pd.DataFrame(rows, columns=["kind", "name", "n", "accuracy", "low", "high"])


def _quarters(numbers: pd.Series) -> pd.Series:
    """In which range each lies, ascending."""
    quarters = pd.qcut(numbers, _PARTS, duplicates="drop")
    edges = numbers.groupby(quarters, observed=True).agg(["min", "max"])
    names = [f"{_short(low)}–{_short(high)}" for low, high in edges.to_numpy()]
    # Quarters that differ by less than is written are one.
    named = quarters.map(dict(zip(edges.index, names, strict=True)))
    return pd.Series(pd.Categorical(named, categories=list(dict.fromkeys(names))), numbers.index)


def _sources(source: pd.Series) -> pd.Series:
    """The most frequent sources by name; the rest is one."""
    names = source.fillna("unknown").astype(str)
    frequent = names.value_counts().index
    if len(frequent) > _MOST_SOURCES:
        names = names.where(names.isin(frequent[: _MOST_SOURCES - 1]), _OTHER)
        frequent = pd.Index([*frequent[: _MOST_SOURCES - 1], _OTHER])
    return pd.Series(pd.Categorical(names, categories=frequent), source.index)


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
