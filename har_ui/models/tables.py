"""Models and their history as tables, ready to be drawn. Draws nothing."""

from collections.abc import Container, Sequence
from datetime import UTC, datetime

import pandas as pd

from har_core import bundle as bundles
from har_core import latency
from har_core.bundle import Bundle, BundleInfo
from har_core.serving import Entry
from har_ui.training import words

IN_SERVICE, DAMAGED = "in service", "damaged"

ACTIONS = {"promote": "put into service", "rollback": "put back"}
"""An entry's action → what was done."""


def overview(models: Sequence[Bundle], in_service: str, damaged: Container[str]) -> pd.DataFrame:
    """A row for each model, in the order given; ``state`` is a list, which a table draws in colour.

    Args:
        models: All that are to be listed.
        in_service: The one in service.
        damaged: Those whose files are not as they were written.
    """
    return pd.DataFrame(
        [
            {
                "state": [IN_SERVICE] * (model.reference == in_service) + [DAMAGED] * (model.reference in damaged),
                **_row(model),
            }
            for model in models
        ]
    )


def forms(info: BundleInfo) -> pd.DataFrame:
    """The forms of the network that were tried for serving.

    Returns:
        Columns ``form``, ``size`` (MB), ``accuracy`` (%), ``time`` (ms) and ``parity`` (0–1).
    """
    return pd.DataFrame(
        [
            {
                "form": f"{form.precision} (serves)" if form.precision == info.precision else form.precision,
                "size": form.size / 1e6,
                "accuracy": 100 * form.accuracy,
                "time": form.milliseconds,
                "parity": form.parity,
            }
            for form in info.exports
        ]
    )


def history(entries: Sequence[Entry]) -> pd.DataFrame:
    """A row for each time that a model was put into service, in the order given."""
    return pd.DataFrame(
        [
            {
                "when": moment(entry.when),
                "what": ACTIONS[entry.action],
                "model": entry.model,
                "before": entry.before,
                "who": entry.who,
                "why": entry.why,
                "override": entry.override,
            }
            for entry in entries
        ]
    )


def moment(text: str) -> datetime | None:
    """A moment that a file tells, in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _row(model: Bundle) -> dict[str, object]:
    info, metrics = model.info, model.info.evaluation.metrics
    accuracy, macro_f1 = metrics.get("accuracy"), metrics.get("macro_f1")
    return {
        "model": model.reference,
        "labels": len(info.labels),
        "accuracy": 100 * accuracy.value if accuracy else None,
        "interval": words.figure("accuracy", accuracy)[1] if accuracy else "",
        "macro_f1": 100 * macro_f1.value if macro_f1 else None,
        "n": info.evaluation.n,
        "size": (model.folder / bundles.TFLITE).stat().st_size / 1e6,
        "latency": latency.known(model),
        "made": moment(info.created),
        "dataset": str(info.dataset.get("name", "")),
        "run": info.run,
    }
