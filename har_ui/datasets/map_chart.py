"""The map of a dataset as an Altair chart, a pure function of what it shows."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from har_core import palette
from har_core.labels import label_text

PICKED = "picked"
OTHERS = "other labels"
MOST_COLOURED = len(palette.STYLES)
_HEIGHT = 600


def chart(points: pd.DataFrame, coloured: Sequence[str], labels: Sequence[str]) -> alt.Chart:
    """One mark a photo; photos that look alike lie close together.

    Args:
        points: Columns ``row``, ``x``, ``y``, ``label`` (may be missing), ``name`` and ``image`` (a data URL, or None).
        coloured: Labels with a look of their own, at most ``MOST_COLOURED``; all others are grey.
        labels: All of the dataset, in their order.

    Returns:
        A chart that can be zoomed and moved; its parameter ``PICKED`` holds the ``row`` that was clicked.
    """
    names = [label_text(label) for label in coloured]
    label = points["label"].fillna("no label").map(label_text)
    shown = points.assign(label=label, shown=label.where(points["label"].isin(coloured), OTHERS))
    # Grey ones first, so that they lie below.
    shown = shown.sort_values("shown", key=lambda column: column != OTHERS, kind="stable")
    domain = [*names, OTHERS]
    looks = palette.styles(coloured, labels)
    colours = [*[looks[label].colour for label in coloured], palette.NEUTRAL]
    shapes = [*[looks[label].symbol for label in coloured], "circle"]
    legend = alt.Legend(title=None, orient="bottom", columns=3, labelLimit=110, symbolOpacity=1)
    return (
        alt.Chart(shown, height=_HEIGHT)
        .mark_point(filled=True, size=45)
        .encode(
            x=alt.X("x:Q", axis=None, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False)),
            color=alt.Color("shown:N", scale=alt.Scale(domain=domain, range=colours), legend=legend),
            shape=alt.Shape("shown:N", scale=alt.Scale(domain=domain, range=shapes), legend=legend),
            opacity=alt.condition(alt.datum.shown == OTHERS, alt.value(0.3), alt.value(0.8)),
            tooltip=[alt.Tooltip("image:N"), alt.Tooltip("label:N"), alt.Tooltip("name:N", title="photo")],
        )
        .add_params(alt.selection_point(name=PICKED, fields=["row"]))
        .add_params(alt.selection_interval(bind="scales"))
    )
