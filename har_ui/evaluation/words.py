"""What is said of figures and answers, in words. Draws nothing."""

from har_core.bundle import Metric
from har_ui.page import label_text, plain

MEANINGS = {
    "accuracy": "Share of photos whose best label is right.",
    "top3_accuracy": "Share of photos whose label is among the model's three best.",
    "balanced_accuracy": "Share of right answers label by label, averaged: rare labels count as much as frequent ones.",
    "macro_f1": "F1 of each label, averaged: rare labels count as much as frequent ones.",
    "weighted_f1": "F1 of each label, averaged by how many photos it has.",
    "sure_share": "Share of photos on which the model commits itself.",
    "sure_accuracy": "Accuracy among the answers that it calls sure.",
    "ece": "Expected calibration error: how far probabilities are from the shares of right answers; 0 is best.",
    "brier": "Mean squared distance of the probabilities from the truth; 0 is best, 2 worst.",
    "log_loss": "Mean negative logarithm of the right label's probability; 0 is best.",
}
"""Figure → what it says; see ``metrics.figures``."""

LOWER_IS_BETTER = frozenset({"ece", "brier", "log_loss"})


def figure(name: str, metric: Metric) -> tuple[str, str]:
    """A figure's value and its 95 % interval."""
    if name in LOWER_IS_BETTER:
        return f"{metric.value:.3f}", f"{metric.low:.3f} – {metric.high:.3f}"
    return f"{metric.value:.1%}", f"{metric.low:.1%} – {metric.high:.1%}"


def difference(name: str, metric: Metric) -> tuple[str, str]:
    """By how much two models differ in a figure, and the 95 % interval of that."""
    if name in LOWER_IS_BETTER:
        texts = [f"{number:+.3f}" for number in (metric.value, metric.low, metric.high)]
    else:
        texts = [f"{100 * number:+.1f}" for number in (metric.value, metric.low, metric.high)]
    value, low, high = (text.replace("-", "−") for text in texts)
    unit = "" if name in LOWER_IS_BETTER else " points"
    return f"{value}{unit}", f"{low} … {high}"


def photos(count: int) -> str:
    """A number of photos."""
    return f"{count:,} photo{'s' * (count != 1)}"


def name(label: str) -> str:
    """A label, as Markdown."""
    return plain(label_text(label))


def mistake(label: str, found: str) -> str:
    """A label and what the model took it for, as Markdown."""
    return f"**{name(label)}**, called **{name(found)}**"
