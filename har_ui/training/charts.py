"""Plotly figures of runs, as pure functions of what they show."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from har_core import palette
from har_core.bundle import Metric
from har_core.labels import chart_text
from har_ui.training import words
from training.runs import Epoch

TRAIN, VAL = palette.SPLITS["train"], palette.SPLITS["val"]
RUN_STYLES = palette.STYLES[:8]
"""Of runs that are compared; there are no more than can be told apart."""

Figure = Literal["loss", "accuracy"]

_HEIGHT = 260


def curve(name: Figure, epochs: Sequence[Epoch], steps: pd.DataFrame, total: int, revision: str) -> go.Figure:
    """A figure over the epochs, on train and on val; between the epochs on train alone. The best epoch is marked.

    Args:
        name: Which figure.
        epochs: So far, the first one epoch 0: the head alone.
        steps: Of ``tables.steps``.
        total: Epochs in all, if no phase ends early; the axis goes that far, so that it stands still meanwhile.
        revision: As long as it stays the same, a redrawn figure keeps what the visitor zoomed into.
    """
    unit = ".1%" if name == "accuracy" else ".3f"
    at = [epoch.epoch for epoch in epochs]
    figure = go.Figure()
    figure.add_scatter(
        x=steps["at"], y=steps[name], line={"width": 1, "color": TRAIN}, opacity=0.45, hoverinfo="skip", name="steps"
    )
    for split, colour, values in (
        ("train", TRAIN, [getattr(epoch, name) for epoch in epochs]),
        ("validation", VAL, [getattr(epoch, f"val_{name}") for epoch in epochs]),
    ):
        figure.add_scatter(
            x=at,
            y=values,
            name=split,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 7},
            hovertemplate=f"%{{y:{unit}}} on {split}<extra></extra>",
        )
    best = next((epoch for epoch in reversed(epochs) if epoch.best), None)
    if best:
        figure.add_scatter(
            x=[best.epoch],
            y=[getattr(best, f"val_{name}")],
            name=f"best: epoch {best.epoch}",
            mode="markers",
            marker={"symbol": "star", "size": 15, "color": VAL, "line": {"width": 1, "color": "white"}},
            hoverinfo="skip",
        )
    figure.update_yaxes(tickformat=".0%" if name == "accuracy" else None, fixedrange=True)
    _mark_phases(figure, epochs)
    return _over_epochs(figure, total, revision)


def learning_rate(epochs: Sequence[Epoch], steps: pd.DataFrame, total: int, revision: str) -> go.Figure:
    """The learning rate over the epochs; the arguments are those of ``curve``."""
    figure = go.Figure(
        go.Scatter(
            x=steps["at"],
            y=steps["learning_rate"],
            line={"width": 2, "color": TRAIN},
            hovertemplate="%{y:.2e}<extra></extra>",
            name="learning rate",
        )
    )
    figure.update_yaxes(tickformat="~e", rangemode="tozero", fixedrange=True)
    _mark_phases(figure, epochs)
    return _over_epochs(figure, total, revision).update_layout(showlegend=False, height=200, margin={"t": 16})


def recall_bars(table: pd.DataFrame, revision: str) -> go.Figure:
    """How much of each label is recognised; a line marks where it was before, and the text says how that changed.

    Args:
        table: Of ``tables.recall``.
        revision: As for ``curve``.
    """
    names = [chart_text(label) for label in table["label"]]
    change = 100 * (table["recall"] - table["before"])
    texts = [
        f"{recall:.0%}" + (f" ({points:+.0f})".replace("-", "−") if abs(points) >= 0.5 else "")
        for recall, points in zip(table["recall"], change, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=table["recall"],
            y=names,
            orientation="h",
            marker_color=palette.SURE,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    # In a column of their own, clear of the bars' ends and the marks.
    figure.add_scatter(
        x=[1.03] * len(table),
        y=names,
        mode="text",
        text=texts,
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
    )
    if table["before"].notna().any():
        figure.add_scatter(
            x=table["before"],
            y=names,
            mode="markers",
            marker={"symbol": "line-ns", "size": 13, "line": {"width": 2, "color": palette.UNSURE}},
            hovertemplate="%{y}: %{x:.1%} the epoch before<extra></extra>",
        )
    figure.update_xaxes(range=[0, 1.32], visible=False, fixedrange=True)
    figure.update_yaxes(range=[len(table) - 0.5, -0.5], fixedrange=True, ticksuffix="  ", type="category")
    figure.update_layout(bargap=0.35, showlegend=False, uirevision=revision)
    return _plain(figure, height=24 * len(table) + 20).update_layout(margin={"t": 4})


def overlay(name: Figure, runs: Mapping[str, Sequence[Epoch]]) -> go.Figure:
    """A validation figure of some runs over their epochs.

    Args:
        name: Which figure.
        runs: Name → epochs.
    """
    unit = ".1%" if name == "accuracy" else ".3f"
    figure = go.Figure()
    for (run, epochs), style in zip(runs.items(), RUN_STYLES, strict=False):
        figure.add_scatter(
            x=[epoch.epoch for epoch in epochs],
            y=[getattr(epoch, f"val_{name}") for epoch in epochs],
            name=run,
            mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 2},
            marker={
                "symbol": style.symbol,
                "size": [11 if epoch.best and epoch is _last_best(epochs) else 5 for epoch in epochs],
            },
            hovertemplate=f"%{{y:{unit}}}",
        )
    figure.update_yaxes(tickformat=".0%" if name == "accuracy" else None, fixedrange=True)
    total = max((epochs[-1].epoch for epochs in runs.values() if epochs), default=1)
    return _over_epochs(figure, total, "overlay").update_layout(showlegend=False, margin={"t": 8})


def intervals(runs: Mapping[str, Mapping[str, Metric]]) -> go.Figure:
    """Metrics of some runs with their 95 % intervals, one below the other.

    Args:
        runs: Name → metrics; those without are skipped, but keep their colour.
    """
    shown = [name for name in words.METRICS if any(name in metrics for metrics in runs.values())]
    step = 0.7 / max(1, len(runs))
    figure = go.Figure()
    for number, ((run, metrics), style) in enumerate(zip(runs.items(), RUN_STYLES, strict=False)):
        found = [(place, metrics[name]) for place, name in enumerate(shown) if name in metrics]
        figure.add_scatter(
            x=[metric.value for _, metric in found],
            y=[place + (number - (len(runs) - 1) / 2) * step for place, _ in found],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [metric.high - metric.value for _, metric in found],
                "arrayminus": [metric.value - metric.low for _, metric in found],
                "thickness": 2,
                "width": 0,
            },
            name=run,
            mode="markers",
            marker={"color": style.colour, "symbol": style.symbol, "size": 10},
            customdata=[words.figure(shown[place], metric) for place, metric in found],
            hovertemplate="%{customdata[0]} (%{customdata[1]})",
        )
    titles = [words.METRICS[name][0] for name in shown]
    figure.update_yaxes(
        tickvals=list(range(len(shown))),
        ticktext=titles,
        range=[len(shown) - 0.5, -0.5],
        fixedrange=True,
        ticksuffix="  ",
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(range=[0, 1.02], fixedrange=True, zeroline=False)
    figure.update_layout(showlegend=False)
    return _plain(figure, height=len(shown) * (24 + 18 * len(runs)) + 30).update_layout(margin={"t": 4})


def _last_best(epochs: Sequence[Epoch]) -> Epoch | None:
    return next((epoch for epoch in reversed(epochs) if epoch.best), None)


def _mark_phases(figure: go.Figure, epochs: Sequence[Epoch]) -> None:
    """A faint line where one phase ends and the next begins."""
    for before, after in pairwise(epochs):
        if 0 < before.phase < after.phase:
            figure.add_vline(
                before.epoch,
                line={"dash": "dot", "width": 1, "color": palette.NEUTRAL},
                annotation={"text": f"phase {after.phase}", "font": {"size": 11, "color": palette.NEUTRAL}},
                annotation_position="top right",
            )


def _over_epochs(figure: go.Figure, total: int, revision: str) -> go.Figure:
    # So many ticks at most that they stay whole numbers.
    figure.update_xaxes(
        title="epoch",
        range=[-0.2, max(1, total) + 0.2],
        nticks=min(max(1, total) + 1, 12),
        tickformat="d",
        fixedrange=True,
        zeroline=False,
    )
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        hovermode="x unified",
        uirevision=revision,
    )
    return _plain(figure, height=_HEIGHT)


def _plain(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, paper_bgcolor=palette.CLEAR, plot_bgcolor=palette.CLEAR)
    return figure.update_layout(margin={"l": 0, "r": 8, "t": 30, "b": 4})
