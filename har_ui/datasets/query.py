"""Which photos of a dataset to show, in which order. Draws nothing."""

from dataclasses import dataclass

import pandas as pd

NO_SPLIT = "none"


@dataclass(frozen=True)
class Order:
    """A way to sort photos: by a column, upwards or downwards; no column: as imported."""

    title: str
    column: str | None = None
    ascending: bool = True


ORDERS = (
    Order("as imported"),
    Order("path", "path"),
    Order("label", "label"),
    Order("label issues first", "issue_score", ascending=False),
    Order("darkest first", "brightness"),
    Order("brightest first", "brightness", ascending=False),
    Order("most blurred first", "sharpness"),
    Order("least contrast first", "contrast"),
    Order("smallest first", "_pixels"),
)


@dataclass(frozen=True)
class Filters:
    """What photos must be like to be shown; an empty choice lets all of them through.

    Attributes:
        splits: ``train``, ``val``, ``test`` or ``NO_SPLIT``.
        flags: Columns of flags; a photo with one of them is shown. Without ``excluded``, excluded photos are not.
        text: Part of the path, in upper or lower case.
    """

    labels: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    text: str = ""
    order: Order = ORDERS[0]


def choose(photos: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The photos that pass the filters, in their order; the index still names their rows.

    Args:
        photos: As in ``View.photos``.
        filters: What is wanted.
    """
    wanted = photos[list(filters.flags)].any(axis=1) if filters.flags else ~photos["excluded"]
    if "excluded" not in filters.flags:
        wanted &= ~photos["excluded"]
    if filters.labels:
        wanted &= photos["label"].isin(filters.labels)
    if filters.splits:
        wanted &= photos["split"].fillna(NO_SPLIT).isin(filters.splits)
    if filters.sources:
        wanted &= photos["source"].isin(filters.sources)
    if filters.text:
        wanted &= photos["path"].str.contains(filters.text, case=False, regex=False)
    return _sorted(photos[wanted], filters.order)


def short_name(path: str) -> str:
    """The last two parts of a path, which tell photos of class folders apart."""
    return "/".join(path.rsplit("/", 2)[-2:])


def _sorted(photos: pd.DataFrame, order: Order) -> pd.DataFrame:
    if order.column is None:
        return photos
    if order.column == "_pixels":
        photos = photos.assign(_pixels=photos["width"].astype("int64") * photos["height"])
    return photos.sort_values(order.column, ascending=order.ascending, kind="stable")
