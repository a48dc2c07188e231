"""A video's segments as a figure, a table, and files. Draws nothing on a page."""

import csv
import io
import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from har_core import palette
from har_core.labels import chart_text, label_text
from har_core.spreadsheets import safe_cell
from har_core.video import clock
from har_core.video.recognition import VideoResult

_TICKS = 6
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_THINNEST = 0.003


def figure(result: VideoResult, labels: Sequence[str]) -> go.Figure:
    """Action over time: a bar from when to when, one row an action, in the order of their first appearance.

    A bar has its action's colour, and is hatched where the model is unsure.

    Args:
        result: What was seen.
        labels: All of the model, in their order.
    """
    found = result.segments
    looks = palette.styles({item.label for item in found}, labels)
    names = [chart_text(item.label) for item in found]
    order = list(dict.fromkeys(names))
    spans = [f"{clock(item.start)} – {clock(item.end)}" for item in found]
    chart = go.Figure(
        go.Bar(
            base=[item.start for item in found],
            # In a long video, even the shortest segment must be seen.
            x=[max(item.end - item.start, _THINNEST * result.duration) for item in found],
            y=names,
            orientation="h",
            marker=palette.bars(
                [looks[item.label].colour for item in found], [item.decision == "sure" for item in found]
            ),
            customdata=[
                (span, f"{item.confidence:.0%} · {item.decision}") for span, item in zip(spans, found, strict=True)
            ],
            hovertemplate="%{y}<br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
        )
    )
    step = next((step for step in _STEPS if result.duration / step <= _TICKS), _STEPS[-1])
    ticks = np.arange(0, result.duration + 1e-6, step)
    texts = [clock(tick) if step < 1 else clock(tick).partition(".")[0] for tick in ticks]
    chart.update_xaxes(range=[0, result.duration], tickvals=ticks, ticktext=texts, fixedrange=True, zeroline=False)
    chart.update_yaxes(
        categoryorder="array", categoryarray=order, autorange="reversed", fixedrange=True, ticksuffix="  "
    )
    return chart.update_layout(
        height=34 * len(order) + 40,
        margin={"l": 0, "r": 24, "t": 4, "b": 4},
        bargap=0.3,
        showlegend=False,
        paper_bgcolor=palette.CLEAR,
        plot_bgcolor=palette.CLEAR,
    )


def table(result: VideoResult) -> pd.DataFrame:
    """The segments as people read them: columns ``start``, ``end``, ``action``, ``probability`` (%), ``decision``."""
    return pd.DataFrame(
        [
            (clock(item.start), clock(item.end), label_text(item.label), 100 * item.confidence, item.decision)
            for item in result.segments
        ],
        columns=["start", "end", "action", "probability", "decision"],
    )


def to_csv(result: VideoResult) -> str:
    """The segments as CSV: start, end, label, confidence, decision, model."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["start", "end", "label", "confidence", "decision", "model"])
    for item in result.segments:
        row = {**item.to_dict(), "confidence": round(item.confidence, 6)}
        model = f"{result.model.name}@{result.model.version}"
        writer.writerow([safe_cell(cell) for cell in (*row.values(), model)])
    return buffer.getvalue()


def to_json(name: str, result: VideoResult) -> str:
    """The row that the command line would print."""
    return json.dumps({"path": name, **result.to_dict()}, ensure_ascii=False, indent=2)
