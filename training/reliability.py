"""The calibration plot of a model's card."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from har_core.evaluation.metrics import Answers

_BINS = 10
_COLOUR = "#0d9488"


def plot(answers: Answers) -> bytes:
    """A reliability diagram: how often answers were right, by how probable the model called them.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599.

    Args:
        answers: On photos that the model was not trained on.

    Returns:
        An SVG, the same for the same answers.
    """
    confidence, right = answers.probabilities.max(axis=1), answers.found == answers.truth
    places = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(places, minlength=_BINS)
    filled = np.flatnonzero(counts)
    accuracy = np.bincount(places, weights=right, minlength=_BINS)[filled] / counts[filled]
    centres = (filled + 0.5) / _BINS
    with mpl.rc_context({"svg.hashsalt": "har", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(4.5, 3.5), layout="constrained")
        axes = figure.subplots()
        axes.bar(centres, accuracy, 0.9 / _BINS, color=_COLOUR, alpha=0.7)
        axes.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1)
        for centre, height, count in zip(centres, accuracy, counts[filled], strict=True):
            axes.annotate(
                str(count), (centre, height), ha="center", va="bottom", xytext=(0, 1), textcoords="offset points"
            )
        axes.set(xlim=(0, 1), ylim=(0, 1.08), xlabel="probability of the answer", ylabel="share that was right")
        axes.set_title("Numbers: photos in the test split", fontsize=9)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
