"""Runs and recipes as tables, ready to be drawn. Draws nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from har_core.labels import label_text
from har_ui.datasets.job_panel import span
from har_ui.training import words
from har_ui.training.records import View
from training.recipe import Recipe
from training.runs import Epoch, Step

_MOST_POINTS = 400


def flat(recipe: Recipe) -> dict[str, Any]:
    """A recipe's values under dotted keys, as ``--set`` takes them; absent values are left out."""
    return dict(_leaves(recipe.model_dump(mode="json", exclude_none=True)))


def changes(base: Recipe, recipe: Recipe) -> list[str]:
    """What makes a recipe of another: ``KEY=VALUE`` in TOML's notation, as ``recipe.load`` takes them.

    The model's name does not count, nor does what the other has and this one has not.
    """
    before, now = flat(base), flat(recipe)
    if len(base.phases) == len(recipe.phases):
        pairs = now.items()
    else:
        pairs = {key: value for key, value in now.items() if not key.startswith("phases.")}.items()
    changed = [f"{key}={_toml(value)}" for key, value in pairs if key != "name" and before.get(key) != value]
    if len(base.phases) != len(recipe.phases):
        changed.append(f"phases={_toml([phase.model_dump() for phase in recipe.phases])}")
    return changed


def differences(recipes: Mapping[str, Recipe]) -> pd.DataFrame:
    """Where recipes differ.

    Args:
        recipes: By the run's name.

    Returns:
        Text; index: keys in words; columns: runs. Only rows in which not all are equal.
    """
    columns = {name: flat(recipe) for name, recipe in recipes.items()}
    keys = dict.fromkeys(key for values in columns.values() for key in values if key != "name")
    rows = {
        _in_words(key): [_shown(values.get(key)) for values in columns.values()]
        for key in keys
        if len({_shown(values.get(key)) for values in columns.values()}) > 1
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns), dtype="string")


def recipe_values(recipe: Recipe) -> pd.DataFrame:
    """All of a recipe; text; columns ``key`` and ``value``."""
    rows = [(_in_words(key), _shown(value)) for key, value in flat(recipe).items()]
    return pd.DataFrame(rows, columns=["key", "value"], dtype="string")


def overview(views: Sequence[View]) -> pd.DataFrame:
    """A row for each run, in the order given; ``state`` is a list of one, which a table can draw in colour."""
    return pd.DataFrame(
        [
            {
                "run": words.short_name(view.run),
                "state": [view.state],
                "accuracy": _percent(view, "accuracy"),
                "macro_f1": _percent(view, "macro_f1"),
                "best": 100 * view.best.val_accuracy if view.best else None,
                "recipe": words.plan(view.run.recipe),
                "dataset": view.run.record.dataset,
                "took": span(view.outcome.seconds) if view.outcome and view.outcome.seconds else "",
                "when": datetime.fromtimestamp(view.run.record.created, UTC),
            }
            for view in views
        ]
    )


def figures(views: Sequence[View]) -> pd.DataFrame:
    """Test metrics with their intervals, as text; index: metrics; columns: runs."""
    columns = {}
    for view in views:
        found = words.known(view.outcome.metrics) if view.outcome else {}
        columns[words.short_name(view.run)] = {
            words.METRICS[name][0]: "{} ({})".format(*words.figure(name, metric)) for name, metric in found.items()
        }
    titles = [title for title, _ in words.METRICS.values() if any(title in column for column in columns.values())]
    return pd.DataFrame(columns, index=titles, dtype="string").fillna("–")


def recall(epoch: Epoch, before: Epoch | None) -> pd.DataFrame:
    """Recall of each label, best first.

    Returns:
        Columns ``label`` (in words), ``recall`` (0–1) and ``before`` (0–1, or nan where it is not known).
    """
    earlier = before.recall if before else {}
    rows = [(label_text(label), value, earlier.get(label, float("nan"))) for label, value in epoch.recall.items()]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return pd.DataFrame(rows, columns=["label", "recall", "before"]).astype({"recall": float, "before": float})


def steps(of: Sequence[Step], length: float | None) -> pd.DataFrame:
    """Steps on the axis of the epochs, averaged until there are few enough to draw.

    Args:
        of: What was kept of them.
        length: Steps in an epoch; None as long as nobody knows: then the last one is taken for an epoch's end.

    Returns:
        Columns ``at`` (in epochs), ``loss``, ``accuracy`` and ``learning_rate``.
    """
    if not of:
        return pd.DataFrame(columns=["at", "loss", "accuracy", "learning_rate"], dtype=float)
    table = pd.DataFrame([step.model_dump() for step in of]).drop_duplicates("step", keep="last")
    last = table.iloc[-1]
    table["at"] = table["step"] / (length or last["step"] / last["epoch"])
    bucket = pd.Series(range(len(table)), table.index) // -(-len(table) // _MOST_POINTS)
    return table.groupby(bucket)[["at", "loss", "accuracy", "learning_rate"]].mean()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict | list):
        yield path, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(inner, f"{path}.{key}" if path else str(key))


def _toml(value: Any) -> str:
    """A value in TOML's notation, on one line; JSON's is the same for all but tables."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _in_words(key: str) -> str:
    """``phases.0.epochs`` → "Phase 1, epochs"."""
    *parents, last = key.split(".")
    if not parents:
        return words.title(last)
    place = f"Phase {int(parents[1]) + 1}" if parents[0] == "phases" else words.title(parents[0])
    title = words.title(last)
    return f"{place}, {title if title.isupper() else title[:1].lower() + title[1:]}"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _percent(view: View, metric: str) -> float | None:
    found = view.outcome.metrics.get(metric) if view.outcome else None
    return 100 * found.value if found else None
