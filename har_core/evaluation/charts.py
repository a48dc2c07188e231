"""Figures about how good a model is, as pure functions of what they show (Plotly).

Labels are foreign text, and Plotly takes some of that for mark-up: names are escaped here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from har_core import palette
from har_core.bundle import Metric
from har_core.labels import chart_text, label_text
from har_core.palette import BAD, NEUTRAL, RIGHT, WRONG

if TYPE_CHECKING:  # It is slow to import, and pages that only draw need none of it.
    from har_core.evaluation.curves import Operating

TITLES = {
    "accuracy": "Accuracy",
    "top3_accuracy": "Top-3 accuracy",
    "balanced_accuracy": "Balanced acc.",
    "macro_f1": "Macro-F1",
    "weighted_f1": "Weighted F1",
    "sure_share": "Sure answers",
    "sure_accuracy": "When sure",
    "ece": "Calibration error",
    "brier": "Brier score",
    "log_loss": "Log loss",
}
"""Figure → title, in the order in which they are shown."""

SLICES = {"brightness": "Brightness", "size": "Size", "sharpness": "Sharpness", "source": "Source"}
"""Kind of slice → title."""

MOST_NAMED_COLUMNS = 60
"""With more labels, a confusion matrix names its rows alone."""

MOST_LINES = 8
"""No more are compared: they could not be told apart."""

_LONGEST = 24
_MOST_NUMBERS = 30
# Up to so many labels: how high a row is, and its name, pixels.
_SIZES = ((20, 30, 11), (40, 24, 11), (60, 14, 9), (10_000, 10, 8))
_DOTTED = {"dash": "dot", "width": 1.5, "color": NEUTRAL}


def order_by_confusion(counts: npt.NDArray[np.integer]) -> list[int]:
    """All labels; those first that are most often taken for each other, side by side.

    Args:
        counts: ``(labels, labels)``; rows: right label, columns: what the model said.
    """
    either_way = np.triu(counts + counts.T, 1)
    pairs = np.argsort(-either_way, axis=None, kind="stable")[: np.count_nonzero(either_way)]
    confused = np.column_stack(np.unravel_index(pairs, counts.shape)).ravel()
    return list(dict.fromkeys([*confused.tolist(), *range(len(counts))]))


def confusion_matrix(
    counts: npt.NDArray[np.integer],
    labels: Sequence[str],
    normalised: bool,
    order: Sequence[int] | None = None,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """What the model said, label by label; right answers on the diagonal.

    A cell is a bar, so that it can be clicked; its ``customdata`` begins with the two labels' indices. Cells without a
    photo are not drawn.

    Args:
        counts: ``(labels, labels)``; rows: right label, columns: what the model said.
        labels: Names.
        normalised: Shows shares of a row instead of counts. A row's share is always of all its photos.
        order: The labels to be shown, in this order; all when absent.
        chosen: The indices of the right label and of the answer whose cell is marked.
    """
    order = range(len(labels)) if order is None else order
    count = len(order)
    shown = counts[np.ix_(order, order)]
    rows, columns = np.nonzero(shown)
    shares = shown[rows, columns] / counts[order].sum(axis=1)[rows]
    values = shares if normalised else shown[rows, columns]
    names = [_name(labels[label]) for label in order]
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=rows,
        base=columns - 0.5,
        x=np.ones(len(rows)),
        width=1,
        marker={"color": _cell_colours(values, rows == columns), "line": {"width": 0}},
        customdata=[
            [order[row], order[column], names[row], names[column], _photos(int(shown[row, column])), float(share)]
            for row, column, share in zip(rows.tolist(), columns.tolist(), shares, strict=True)
        ],
        hovertemplate=(
            "<b>%{customdata[2]}</b><br>called “%{customdata[3]}”: %{customdata[4]}, %{customdata[5]:.0%} of this "
            "label<extra></extra>"
        ),
        text=[f"{value:.0%}" if normalised else f"{value:,}" for value in values] if count <= _MOST_NUMBERS else None,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="inside",
        selected={"marker": {"color": BAD}},
        unselected={"marker": {"opacity": 1}},
    )
    if chosen and set(chosen) <= set(order):
        row, column = (list(order).index(label) for label in chosen)
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"width": 3, "color": BAD},
        )
    cell, size = next((cell, size) for most, cell, size in _SIZES if count <= most)
    axis: dict[str, Any] = {
        "tickvals": list(range(count)),
        "ticktext": names,
        "tickfont": {"size": size},
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
    }
    figure.update_xaxes(**axis, range=[-0.5, count - 0.5], side="top", tickangle=-90, title="the model said")
    # Columns are narrower than a name is high; they are in the order of the rows, and say their names when touched.
    figure.update_xaxes(showticklabels=count <= MOST_NAMED_COLUMNS)
    figure.update_yaxes(**axis, range=[count - 0.5, -0.5], ticksuffix=" ", title="label")
    _plain(figure, height=cell * count + 190)
    return figure.update_layout(
        barmode="overlay",
        plot_bgcolor=palette.SHADE,
        showlegend=False,
        dragmode=False,
        hovermode="closest",
        uniformtext={"minsize": 8, "mode": "hide"},
    )


def precision_recall(curves: Mapping[str, pd.DataFrame], labels: Sequence[str]) -> go.Figure:
    """Precision over recall, one line a label.

    Args:
        curves: Label → ``curves.precision_recall``; at most ``MOST_LINES``.
        labels: All of the model, in their order.
    """
    figure = go.Figure()
    looks = palette.styles(curves, labels)
    for label, curve in curves.items():
        figure.add_scatter(
            x=curve["recall"],
            # Where nothing is found, precision is said to be 1: that would be a spike.
            y=curve["precision"].mask(curve["threshold"].isna()).ffill(),
            customdata=curve["threshold"],
            name=_name(label),
            mode="lines",
            line={"color": looks[label].colour, "dash": looks[label].dash, "width": 2, "shape": "hv"},
            hovertemplate="recall %{x:.0%}, precision %{y:.0%}, from a probability of %{customdata:.0%} on",
        )
    figure.update_xaxes(title="recall", range=[0, 1.03], tickformat=".0%", fixedrange=True, zeroline=False)
    figure.update_yaxes(title="precision", range=[0, 1.03], tickformat=".0%", fixedrange=True, zeroline=False)
    return _legend_above(_plain(figure, height=380))


def reliability(table: pd.DataFrame) -> go.Figure:
    """How often answers of some confidence are right, with 95 % intervals; below, how many there are of each.

    Args:
        table: Of ``curves.reliability``; bins without a photo are left out.
    """
    table = table[table["n"] > 0]
    width = table["high"] - table["low"]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.04)
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=_DOTTED, hoverinfo="skip", row=1, col=1)
    figure.add_scatter(
        x=table["confidence"],
        y=table["accuracy"],
        mode="lines+markers",
        line={"color": RIGHT, "width": 2},
        marker={"size": 8},
        error_y=_whiskers(table["accuracy"], table["accuracy_low"], table["accuracy_high"]),
        customdata=table[["n", "accuracy_low", "accuracy_high"]],
        hovertemplate=(
            "%{customdata[0]:,} photos, on average %{x:.0%} confident:<br>%{y:.0%} right "
            "(%{customdata[1]:.0%} – %{customdata[2]:.0%})<extra></extra>"
        ),
        row=1,
        col=1,
    )
    figure.add_bar(
        x=(table["low"] + table["high"]) / 2,
        y=table["n"],
        width=0.9 * width,
        marker_color=NEUTRAL,
        customdata=table[["low", "high"]],
        hovertemplate="%{customdata[0]:.0%} – %{customdata[1]:.0%}: %{y:,} photos<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_xaxes(range=[0, 1.03], tickformat=".0%", fixedrange=True, zeroline=False)
    figure.update_xaxes(title="probability of the answer", row=2, col=1)
    figure.update_yaxes(title="right", range=[0, 1.03], tickformat=".0%", fixedrange=True, zeroline=False, row=1, col=1)
    figure.update_yaxes(title="photos", fixedrange=True, nticks=3, row=2, col=1)
    return _plain(figure, height=430).update_layout(showlegend=False)


def risk_coverage(
    table: pd.DataFrame, operating: "Operating | None" = None, original: "Operating | None" = None
) -> go.Figure:
    """Share of wrong answers among the sure ones, over how many are sure; each threshold is a point.

    Args:
        table: Of ``curves.risk_coverage``.
        operating: The threshold that is marked.
        original: The model's own threshold.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=table["coverage"],
        y=table["risk"],
        customdata=table["threshold"],
        mode="lines",
        line={"color": RIGHT, "width": 2},
        hovertemplate="from %{customdata:.0%} on: %{x:.0%} sure, %{y:.1%} of these wrong<extra></extra>",
        showlegend=False,
    )
    marks = (("the model's own bar", original, "circle-open", NEUTRAL, 13), ("chosen", operating, "diamond", WRONG, 12))
    for name, point, symbol, colour, size in marks:
        if point and point.coverage > 0:
            figure.add_scatter(
                x=[point.coverage],
                y=[1 - point.accuracy],
                name=f"{name}: {point.threshold:.0%}",
                mode="markers",
                marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 3, "color": colour}},
                hovertemplate="%{x:.0%} sure, %{y:.1%} of these wrong<extra></extra>",
            )
    highest = max(0.05, 1.1 * float(table["risk"].max())) if len(table) else 1
    figure.update_xaxes(title="sure answers", range=[0, 1.02], tickformat=".0%", fixedrange=True, zeroline=False)
    figure.update_yaxes(title="wrong among them", range=[0, highest], tickformat=".0%", fixedrange=True, zeroline=False)
    return _legend_above(_plain(figure, height=380))


def outcomes(operating: "Operating") -> go.Figure:
    """One bar: the answers, sure and unsure, right and wrong."""
    parts = (
        ("sure and right", operating.sure_right, RIGHT, True),
        ("sure but wrong", operating.sure_wrong, BAD, True),
        ("unsure, would be right", operating.unsure_right, RIGHT, False),
        ("unsure, would be wrong", operating.unsure_wrong, BAD, False),
    )
    total = sum(count for _, count, _, _ in parts) or 1
    figure = go.Figure(
        [
            go.Bar(
                x=[count / total],
                y=[""],
                orientation="h",
                # In the legend, since no text can be read on hatching.
                name=f"{name}: {count / total:.0%}",
                marker=palette.bars([colour], [is_sure]),
                hovertemplate=f"{name}: {count:,} photos, %{{x:.1%}}<extra></extra>",
            )
            for name, count, colour, is_sure in parts
        ]
    )
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    _legend_above(_plain(figure, height=110))
    return figure.update_layout(
        barmode="stack", bargap=0, hovermode="closest", legend={"traceorder": "normal"}, margin={"r": 0}
    )


def slices(table: pd.DataFrame, overall: float) -> go.Figure:
    """Accuracy on parts of the photos, with 95 % intervals, kind by kind.

    Args:
        table: Of ``slices.slices``.
        overall: Accuracy on all of them, where a line is drawn.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    # One empty line, with the kind's name, before each kind.
    places, ticks = [], dict[int, str]()
    place = 0
    for kind in kinds:
        ticks[place] = f"<b>{_name(SLICES.get(kind, kind))}</b>"
        for name in table.loc[table["kind"] == kind, "name"]:
            place += 1
            places.append(place)
            ticks[place] = _name(name)
        place += 1
    table = pd.concat([table[table["kind"] == kind] for kind in kinds]) if kinds else table
    figure = go.Figure()
    figure.add_vline(overall, line=_DOTTED)
    figure.add_scatter(
        x=table["accuracy"],
        y=places,
        mode="markers",
        marker={"size": 10, "color": RIGHT},
        error_x=_whiskers(table["accuracy"], table["low"], table["high"]),
        customdata=table[["n", "low", "high"]],
        hovertemplate=(
            "%{x:.1%} of %{customdata[0]:,} photos right (%{customdata[1]:.1%} – %{customdata[2]:.1%})<extra></extra>"
        ),
    )
    lowest = max(0.0, float(table["low"].min()) - 0.05) if len(table) else 0
    figure.update_xaxes(range=[lowest, 1.01], tickformat=".0%", fixedrange=True, zeroline=False, title="accuracy")
    figure.update_yaxes(
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        range=[place - 0.3, -0.6],
        fixedrange=True,
        ticksuffix="  ",
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    return _plain(figure, height=26 * place + 70).update_layout(showlegend=False)


def differences(found: Mapping[str, Metric]) -> go.Figure:
    """By how much one model's figures lie above another's, with 95 % intervals; a line marks no difference.

    Each figure has a scale of its own: a log loss may change by much more than an accuracy.

    Args:
        found: Name of a figure, as in ``TITLES`` → difference; at least one.
    """
    names = [name for name in TITLES if name in found]
    figure = make_subplots(rows=len(names), cols=1, vertical_spacing=0.5 / len(names))
    for row, name in enumerate(names, start=1):
        metric = found[name]
        is_clear = metric.low > 0 or metric.high < 0
        value, low, high = (pd.Series([number]) for number in (metric.value, metric.low, metric.high))
        figure.add_scatter(
            x=value,
            y=[TITLES[name]],
            mode="markers",
            marker={"size": 11, "color": RIGHT if is_clear else NEUTRAL},
            error_x=_whiskers(value, low, high),
            customdata=[[metric.low, metric.high]],
            hovertemplate="%{y}: %{x:+.3f} (%{customdata[0]:+.3f} … %{customdata[1]:+.3f})<extra></extra>",
            row=row,
            col=1,
        )
        figure.add_vline(0, line=_DOTTED, row=row, col=1)
        widest = 1.2 * max(abs(metric.low), abs(metric.high), 0.001)
        figure.update_xaxes(range=[-widest, widest], nticks=7, row=row, col=1)
    figure.update_xaxes(tickformat="+~g", fixedrange=True, zeroline=False)
    figure.update_yaxes(type="category", fixedrange=True, ticksuffix="  ", showgrid=False)
    return _plain(figure, height=68 * len(names) + 20).update_layout(showlegend=False)


def _cell_colours(values: npt.NDArray[np.number], is_right: npt.NDArray[np.bool_]) -> list[str]:
    """The darker, the more; right and wrong answers each have a colour, and a scale, of their own."""
    colours = np.empty(len(values), object)
    for mask, scale in ((is_right, palette.RIGHT_SCALE), (~is_right, palette.WRONG_SCALE)):
        if mask.any():
            colours[mask] = sample_colorscale([list(stop) for stop in scale], list(values[mask] / values[mask].max()))
    return [str(colour) for colour in colours]


def _whiskers(value: pd.Series, low: pd.Series, high: pd.Series) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": high - value,
        "arrayminus": value - low,
        "thickness": 2,
        "width": 0,
    }


def _name(label: str) -> str:
    """A label as people write it, short enough for an axis."""
    text = label_text(label)
    return chart_text(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _photos(count: int) -> str:
    return f"{count:,} photo{'s' * (count != 1)}"


def _legend_above(figure: go.Figure) -> go.Figure:
    legend = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"}
    return figure.update_layout(legend=legend, showlegend=True, margin={"t": 30})


def _plain(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, paper_bgcolor=palette.CLEAR, plot_bgcolor=palette.CLEAR)
    return figure.update_layout(margin={"l": 0, "r": 16, "t": 8, "b": 4})
