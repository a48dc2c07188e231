"""Plotly figures, as pure functions of what they show."""

from collections.abc import Sequence

import plotly.graph_objects as go

from har_core.predictor import Score
from har_ui.page import label_text

SURE = "#0d9488"
UNSURE = "#d97706"
_REST = "#94a3b8"


def score_bars(scores: Sequence[Score], is_sure: bool, threshold: float) -> go.Figure:
    """Probability bars, best first; a line marks from where on an answer counts as sure.

    Args:
        scores: Labels with probabilities 0–1, best first.
        is_sure: Colours the best bar.
        threshold: Where the line stands, 0–1.
    """
    best = SURE if is_sure else UNSURE
    figure = go.Figure(
        go.Bar(
            x=[item.score for item in scores],
            y=[label_text(item.label) for item in scores],
            orientation="h",
            marker_color=[best] + [_REST] * (len(scores) - 1),
            text=[f"{item.score:.0%}" for item in scores],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.add_vline(threshold, line={"dash": "dot", "width": 1.5, "color": _REST})
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return _compact(figure, height=34 * len(scores) + 16)


def label_counts(counts: dict[str, int]) -> go.Figure:
    """How many photos got each label, most frequent first."""
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    figure = go.Figure(
        go.Bar(
            x=[counts[label] for label in labels],
            y=[label_text(label) for label in labels],
            orientation="h",
            marker_color=SURE,
            text=[counts[label] for label in labels],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return _compact(figure, height=30 * len(labels) + 24)


def _compact(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(
        height=height,
        margin={"l": 0, "r": 24, "t": 4, "b": 4},
        bargap=0.35,
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
