"""What is said of recipes and runs, in words. Draws nothing."""

from collections.abc import Mapping

from har_core.bundle import Metric
from har_core.evaluation import charts
from har_ui import terms
from har_ui.datasets.job_panel import span
from training import recipe
from training.recipe import Recipe
from training.runs import Progress, Run, State

STATES: dict[State, tuple[str, str]] = {
    "queued": ("gray", ":material/hourglass_empty:"),
    "running": ("blue", ":material/progress_activity:"),
    "done": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("orange", ":material/stop_circle:"),
    "interrupted": ("orange", ":material/power_off:"),
}
"""State → colour and icon."""

METRICS = {
    name: (charts.TITLES[name], terms.FIGURES[name])
    for name in ("accuracy", "macro_f1", "sure_share", "sure_accuracy", "ece")
}
"""Metric → title and meaning, in the order in which they are shown."""

_TITLES = {"ema": "EMA", "min_photos": "Fewest photos of a label", "image_size": "Image size, px"}


def title(field: str) -> str:
    """A recipe's key as people write it: ``batch_size`` → "Batch size"."""
    return _TITLES.get(field, field.replace("_", " ").capitalize())


def badge(state: State) -> str:
    """A state as a coloured badge, in Markdown."""
    colour, icon = STATES[state]
    return f":{colour}-badge[{icon} {state}]"


def short_name(run: Run) -> str:
    """The model's name, and what tells this run from others of that name."""
    return f"{run.model} · {run.id[-4:]}"


def preset(name: str) -> str:
    """What a preset is good for: the comment at the head of its file."""
    head = []
    for line in (recipe.PRESETS / f"{name}.toml").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            break
        head.append(line.lstrip("# "))
    return " ".join(head)


def plan(of: Recipe) -> str:
    """A recipe in a few words."""
    size = f" · {of.image_size} px" if of.image_size else ""
    if not of.phases:
        return f"{of.backbone}{size} · head only"
    share = max(phase.train_share for phase in of.phases)
    phases = f" in {len(of.phases)} phases" if len(of.phases) > 1 else ""
    teachers = f" · {of.teachers} teacher{'s' * (of.teachers > 1)}" if of.teachers else ""
    return f"{of.backbone}{size} · {of.epochs} epochs{phases} · upper {share:.0%}{teachers}"


def between(low: float, high: float) -> str:
    """A span of time that is only known roughly."""
    if high < 60:
        return "less than a minute"
    first, last = span(low), span(high)
    number, _, unit = first.partition(" ")
    return f"about {last}" if first == last else f"{number if last.endswith(f' {unit}') else first} – {last}"


def progress(now: Progress | None) -> tuple[float, str]:
    """How far a run is: share 0–1, and words."""
    if now is None:
        return 0.0, "Starting …"
    what = now.what[:1].upper() + now.what[1:]
    share = min(1.0, now.done / now.total) if now.total else 0.0
    if now.epoch is None or not now.epochs:
        return (share, f"{what}: {now.done:,} of {now.total:,}") if now.total > 1 else (share, f"{what} …")
    parts = [what, f"epoch {now.epoch} of {now.epochs}", f"batch {now.done:,} of {now.total:,}"]
    if now.seconds_left is not None:
        parts.append(f"about {span(now.seconds_left)} left")
    return min(1.0, (now.epoch - 1 + share) / now.epochs), " · ".join(parts)


def figure(name: str, metric: Metric) -> tuple[str, str]:
    """A metric's value and its 95 % interval."""
    if name == "ece":
        return f"{metric.value:.3f}", f"{metric.low:.3f} – {metric.high:.3f}"
    return f"{metric.value:.1%}", f"{metric.low:.1%} – {metric.high:.1%}"


def known(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """The metrics that there are words for, in order."""
    return {name: metrics[name] for name in METRICS if name in metrics}
