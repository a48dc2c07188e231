"""What was seen over time: runs of one action. Draws nothing on a page."""

import csv
import io
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import plotly.graph_objects as go

from har_core import palette
from har_core.labels import chart_text, label_text
from har_core.spreadsheets import safe_cell

_MOST_RUNS = 2000
_DRAWN_RUNS = 300
# Frames further apart than this leave a hole.
_GAP_SECONDS = 2.0


@dataclass(frozen=True)
class Run:
    """A time in which one action was shown.

    Attributes:
        start: Seconds since the camera started.
        end: Seconds since the camera started.
        label: The action.
        model: Which model said so, as ``NAME@VERSION``.
        frames: How many frames were classified in it.
        confidence: The label's mean smoothed probability, 0–1.
        sure_seconds: For how long of it the model was sure.
    """

    start: float
    end: float
    label: str
    model: str
    frames: int
    confidence: float
    sure_seconds: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.start

    @property
    def is_sure(self) -> bool:
        """Whether the model was sure for most of it."""
        return self.sure_seconds >= self.seconds / 2


class Record:
    """The runs of one session, the newest of them growing. Safe to share between threads; bounded."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._lock = threading.Lock()
        self._runs: deque[Run] = deque(maxlen=_MOST_RUNS)

    def add(self, seconds: float, label: str, confidence: float, is_sure: bool, model: str) -> None:
        """Takes what one frame says; it holds from the frame before on.

        Args:
            seconds: Since the camera started; not earlier than the last.
            label: What is shown.
            confidence: Its smoothed probability, 0–1.
            is_sure: Whether the model commits itself.
            model: As ``NAME@VERSION``.
        """
        with self._lock:
            last = self._runs[-1] if self._runs else None
            start = last.end if last and seconds - last.end <= _GAP_SECONDS else seconds
            sure = seconds - start if is_sure else 0.0
            if last and start == last.end and (last.label, last.model) == (label, model):
                self._runs[-1] = replace(
                    last,
                    end=seconds,
                    frames=last.frames + 1,
                    confidence=last.confidence + (confidence - last.confidence) / (last.frames + 1),
                    sure_seconds=last.sure_seconds + sure,
                )
            else:
                self._runs.append(Run(start, seconds, label, model, 1, confidence, sure))

    def runs(self) -> list[Run]:
        """All runs, oldest first; of a very long session, the newest."""
        with self._lock:
            return list(self._runs)


def per_action(runs: Sequence[Run]) -> pd.DataFrame:
    """Seconds per action, as people write it: columns ``action``, ``seconds`` and ``sure_seconds``; most first."""
    rows = [(label_text(run.label), run.seconds, run.sure_seconds) for run in runs]
    table = pd.DataFrame(rows, columns=["action", "seconds", "sure_seconds"])
    return table.groupby("action", as_index=False).sum().sort_values(["seconds", "action"], ascending=[False, True])


def to_csv(runs: Sequence[Run]) -> str:
    """All runs as CSV: start, end, action, confidence, sure_seconds, model."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["start", "end", "action", "confidence", "sure_seconds", "model"])
    for run in runs:
        times = f"{run.start:.2f}", f"{run.end:.2f}"
        writer.writerow([*times, safe_cell(run.label), f"{run.confidence:.4f}", f"{run.sure_seconds:.2f}", run.model])
    return buffer.getvalue()


def figure(runs: Sequence[Run], labels: Sequence[str]) -> go.Figure:
    """Action over time: a bar from when to when in the action's colour, hatched where the model was mostly unsure.

    Args:
        runs: Oldest first.
        labels: All of the model, in their order.
    """
    drawn = list(runs)[-_DRAWN_RUNS:]
    looks = palette.styles({run.label for run in drawn}, labels)
    names = [chart_text(run.label) for run in drawn]
    order = list(dict.fromkeys(reversed(names)))
    chart = go.Figure(
        go.Bar(
            base=[run.start for run in drawn],
            x=[max(run.seconds, 0.05) for run in drawn],
            y=names,
            orientation="h",
            marker=palette.bars([looks[run.label].colour for run in drawn], [run.is_sure for run in drawn]),
            customdata=[(run.start, run.end, run.confidence) for run in drawn],
            hovertemplate="%{y}: %{customdata[0]:.1f} s to %{customdata[1]:.1f} s, %{customdata[2]:.0%}<extra></extra>",
        )
    )
    chart.update_xaxes(ticksuffix=" s", fixedrange=True)
    chart.update_yaxes(
        categoryorder="array", categoryarray=order, autorange="reversed", fixedrange=True, ticksuffix="  "
    )
    return chart.update_layout(
        height=30 * len(order) + 40,
        margin={"l": 0, "r": 24, "t": 4, "b": 4},
        bargap=0.35,
        showlegend=False,
        paper_bgcolor=palette.CLEAR,
        plot_bgcolor=palette.CLEAR,
    )
