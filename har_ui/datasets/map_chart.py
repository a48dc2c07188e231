"""The map of a dataset as an Altair chart, a pure function of what it shows."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from har_ui.page import label_text

PICKED = "picked"
OTHERS = "other labels"
# Six colours that stay apart for colour-blind people (Paul Tol, "Colour schemes", 2021: "bright"), in three shapes.
_COLOURS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
_SHAPES = ("circle", "triangle-up", "square")
_GREY = "#94a3b8"
_HEIGHT = 600
MOST_COLOURED = len(_COLOURS) * len(_SHAPES)


def chart(points: pd.DataFrame, coloured: Sequence[str]) -> alt.Chart:
    """One mark a photo; photos that look alike lie close together.

    Args:
        points: Columns ``row``, ``x``, ``y``, ``label`` (may be missing), ``name`` and ``image`` (a data URL, or None).
        coloured: Labels with a colour of their own, at most ``MOST_COLOURED``; all others are grey.

    Returns:
        A chart that can be zoomed and moved; its parameter ``PICKED`` holds the ``row`` that was clicked.
    """
    names = [label_text(label) for label in coloured]
    label = points["label"].fillna("no label").map(label_text)
    shown = points.assign(label=label, shown=label.where(points["label"].isin(coloured), OTHERS))
    # Grey ones first, so that they lie below.
    shown = shown.sort_values("shown", key=lambda column: column != OTHERS, kind="stable")
    count = len(names)
    domain = [*names, OTHERS]
    colours = [*(_COLOURS * len(_SHAPES))[:count], _GREY]
    shapes = [*[shape for shape in _SHAPES for _ in _COLOURS][:count], "circle"]
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
