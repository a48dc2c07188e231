"""What is said of figures and answers, in words. Draws nothing."""

from har_core.bundle import Metric
from har_core.labels import label_text
from har_ui.page import plain

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
