"""Plotly figures, as pure functions of what they show."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from har_core import palette
from har_core.labels import chart_text
from har_core.predictor import Score


def score_bars(scores: Sequence[Score], is_sure: bool, threshold: float) -> go.Figure:
    """Probability bars, best first; a line marks from where on an answer counts as sure.

    Args:
        scores: Labels with probabilities 0–1, best first.
        is_sure: Colours the best bar, and hatches it where it is not.
        threshold: Where the line stands, 0–1.
    """
    rest = len(scores) - 1
    colours = [palette.SURE if is_sure else palette.UNSURE, *[palette.NEUTRAL] * rest]
    figure = go.Figure(
        go.Bar(
            x=[item.score for item in scores],
            y=[chart_text(item.label) for item in scores],
            orientation="h",
            marker=palette.bars(colours, [is_sure, *[True] * rest]),
            text=[f"{item.score:.0%}" for item in scores],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.add_vline(
        threshold,
        line={"dash": "dot", "width": 1.5, "color": palette.NEUTRAL},
        annotation={
            "text": f"sure from {threshold:.0%}",
            "font": {"size": 12},
            "xanchor": "center",
            "showarrow": False,
        },
        annotation_position="top",
    )
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return _compact(figure, height=32 * len(scores) + 34).update_layout(margin={"t": 22})


def label_counts(counts: dict[str, int]) -> go.Figure:
    """How many photos got each label, most frequent first."""
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    figure = go.Figure(
        go.Bar(
            x=[counts[label] for label in labels],
            y=[chart_text(label) for label in labels],
            orientation="h",
            marker_color=palette.SURE,
            text=[counts[label] for label in labels],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return _compact(figure, height=30 * len(labels) + 24)


def split_counts(table: pd.DataFrame) -> go.Figure:
    """Stacked bars: how many photos each label has, split by split.

    Args:
        table: Counts; index: labels, in the order to be shown; columns: splits.
    """
    names = [chart_text(label) for label in table.index]
    figure = go.Figure(
        [
            go.Bar(
                x=table[split],
                y=names,
                name=str(split),
                orientation="h",
                marker_color=palette.SPLITS.get(str(split), palette.NEUTRAL),
                hovertemplate=f"%{{y}}: %{{x}} in {split}<extra></extra>",
            )
            for split in table.columns
        ]
    )
    totals = table.sum(axis=1)
    figure.add_scatter(
        x=totals,
        y=names,
        mode="text",
        text=[f" {total:,}" for total in totals],
        textposition="middle right",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, 1.15 * max(totals, default=1)])
    # Upside down; left to itself, the axis would leave room for the totals' text above and below.
    figure.update_yaxes(range=[len(table) - 0.5, -0.5], fixedrange=True, ticksuffix="  ", type="category")
    _compact(figure, height=24 * len(table) + 44)
    legend = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"}
    return figure.update_layout(barmode="stack", showlegend=len(table.columns) > 1, legend=legend, margin={"t": 34})


def size_bubbles(table: pd.DataFrame) -> go.Figure:
    """Width against height; the area of a bubble says how many photos have about that size.

    Args:
        table: Columns ``width``, ``height`` (pixels) and ``count``.
    """
    figure = go.Figure(
        go.Scatter(
            x=table["width"],
            y=table["height"],
            customdata=table["count"],
            mode="markers",
            marker={
                "size": table["count"],
                "sizemode": "area",
                "sizeref": 2 * max(table["count"], default=1) / 36**2,
                "sizemin": 3,
                "color": palette.SURE,
                "opacity": 0.55,
            },
            hovertemplate="%{x} × %{y} px: %{customdata} photos<extra></extra>",
        )
    )
    figure.update_xaxes(title="width, px", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(title="height, px", rangemode="tozero", fixedrange=True)
    return _compact(figure, height=230)


def brightness_bars(
    counts: npt.NDArray[np.int64], edges: npt.NDArray[np.float64], dark_below: float, bright_above: float
) -> go.Figure:
    """A histogram of mean brightness; what counts as too dark or too bright is in another colour.

    Args:
        counts: Photos by bin, ``(n,)``.
        edges: Of the bins, ``(n + 1,)``, 0–255.
        dark_below: What counts as too dark.
        bright_above: What counts as too bright.
    """
    centres = (edges[:-1] + edges[1:]) / 2
    poor = (centres < dark_below) | (centres > bright_above)
    figure = go.Figure(
        go.Bar(
            x=centres,
            y=counts,
            marker_color=np.where(poor, palette.UNSURE, palette.SURE).tolist(),
            hovertemplate="about %{x:.0f}: %{y} photos<extra></extra>",
        )
    )
    for limit in (dark_below, bright_above):
        figure.add_vline(limit, line={"dash": "dot", "width": 1.5, "color": palette.NEUTRAL})
    figure.update_xaxes(title="mean brightness, 0–255", range=[0, 255], fixedrange=True)
    figure.update_yaxes(title="photos", fixedrange=True)
    return _compact(figure, height=230).update_layout(bargap=0.05)


def _compact(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(
        height=height,
        margin={"l": 0, "r": 24, "t": 4, "b": 4},
        bargap=0.35,
        showlegend=False,
        paper_bgcolor=palette.CLEAR,
        plot_bgcolor=palette.CLEAR,
    )
