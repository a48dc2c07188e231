"""Keeps every run in MLflow: SQLite and a folder under ``HAR_HOME``, or the server that ``MLFLOW_TRACKING_URI`` names.

Tracking serves a run and is never a condition of it: where MLflow cannot be reached, the run goes on and says so in its
log. Needs no TensorFlow; MLflow takes seconds to import, and is only when something is to be tracked.
"""

import functools
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec

from har_core.bundle import Bundle
from har_core.config import settings
from har_core.files import locked
from training.runs import Epoch, Run

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

EXPERIMENT = "human-action-recognizer"

Status = Literal["FINISHED", "FAILED", "KILLED"]
_P = ParamSpec("_P")


def uri() -> str:
    """Where runs are kept."""
    return settings().mlflow_tracking_uri.get_secret_value() or f"sqlite:///{settings().home}/mlflow/mlflow.db"


def _best_effort(
    method: Callable[Concatenate["Tracker", _P], None],
) -> Callable[Concatenate["Tracker", _P], None]:
    """Has a method do nothing once MLflow has failed."""

    @functools.wraps(method)
    def attempt(self: "Tracker", /, *args: _P.args, **options: _P.kwargs) -> None:
        if self.has_failed:
            return
        try:
            method(self, *args, **options)
        except Exception as error:  # Whatever a store, a driver or a server raises: the training must not end by it.
            self.has_failed = True
            # Without its address, which may hold a password.
            log.warning("MLflow failed, and is left alone from now on: %s", error)

    return attempt


def client() -> "MlflowClient":
    """Opens the store."""
    # It sends usage figures to its makers unless told not to, and would retry for minutes.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    from mlflow import MlflowClient  # noqa: PLC0415

    folder = settings().home / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    # The first one makes the tables, and two at a time get in each other's way.
    with locked(folder / "store.lock"):
        return MlflowClient(uri())


def is_server() -> bool:
    """Whether runs are kept by a server, which has a place of its own for files, and not in a database or a folder."""
    return uri().startswith(("http:", "https:", "databricks"))


class Tracker:
    """Tells MLflow about one run; one that was interrupted is taken up again under its old name.

    Attributes:
        has_failed: Whether MLflow could not be reached, so that nothing more is told.
    """

    def __init__(self, run: Run) -> None:
        """Remembers the run; nothing is told yet."""
        self._run = run
        self._id = ""
        self.has_failed = False

    @_best_effort
    def begin(self, facts: dict[str, Any]) -> None:
        """Opens the run.

        Args:
            facts: What is known beside the recipe, such as the dataset's fingerprint and the code's revision.
        """
        client = self._client
        name = self._run.tracked_as
        if name is None:
            tags = {"mlflow.runName": self._run.id, "har.run": self._run.id, **_under(self._run)}
            name = client.create_run(experiment(client), tags=tags).info.run_id
            self._run.keep_tracked_as(name)
        self._id = name
        client.update_run(name, status="RUNNING")
        for key, value in {**_flat(self._run.recipe.model_dump()), "dataset": self._run.record.dataset}.items():
            client.log_param(name, key, value)
        for key, value in facts.items():
            client.set_tag(name, f"har.{key}", value)
        client.log_dict(name, self._run.recipe.model_dump(mode="json"), "recipe.json")

    @_best_effort
    def epoch(self, epoch: Epoch) -> None:
        """Adds the figures of an epoch."""
        from mlflow.entities import Metric  # noqa: PLC0415

        now = int(time.time() * 1000)
        values = epoch.model_dump(exclude={"epoch", "phase", "recall", "best"})
        values |= {f"val_recall.{label}": share for label, share in epoch.recall.items()}
        metrics = [Metric(_metric_name(key), value, now, epoch.epoch) for key, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    @_best_effort
    def finish(self, bundle: Bundle, confusion: "go.Figure") -> None:
        """Adds the result and closes the run.

        Args:
            bundle: The model.
            confusion: The confusion matrix on the test split.
        """
        client = self._client
        for key, metric in bundle.info.evaluation.metrics.items():
            client.log_metric(self._id, f"test_{key}", metric.value)
        client.log_figure(self._id, confusion, "confusion_matrix.html")
        client.log_artifacts(self._id, str(bundle.folder), "bundle")
        client.set_terminated(self._id, "FINISHED")

    @_best_effort
    def close(self, status: Status) -> None:
        """Closes a run that has no result."""
        self._client.set_terminated(str(self._run.tracked_as), status)

    @functools.cached_property
    def _client(self) -> "MlflowClient":
        return client()


def close(run: Run, status: Status) -> None:
    """Closes a run whose own process cannot do it any more."""
    if run.tracked_as:
        Tracker(run).close(status)


def experiment(client: "MlflowClient") -> str:
    """The name under which MLflow keeps our runs together; made where it is not there yet."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found:
        return str(found.experiment_id)
    # Without a place, what is not a server would keep files in whatever folder the process was started in.
    place = None if is_server() else (settings().home / "mlflow" / "artifacts").absolute().as_uri()
    # MLflow would open it as one of language models otherwise.
    tags = {"mlflow.experimentKind": "custom_model_development"}
    return str(client.create_experiment(EXPERIMENT, artifact_location=place, tags=tags))


def begin_search(name: str, facts: dict[str, Any], tracked_as: str | None) -> str | None:
    """Opens what the trials of a search are kept under.

    Args:
        name: The search's.
        facts: What is known of it.
        tracked_as: Its name in MLflow, where it is taken up again.

    Returns:
        Its name in MLflow; None where MLflow cannot be reached.
    """
    try:
        store = client()
        if tracked_as is None:
            tags = {"mlflow.runName": name, "har.search": name}
            tracked_as = str(store.create_run(experiment(store), tags=tags).info.run_id)
            for key, value in _flat(facts).items():
                store.log_param(tracked_as, key, value)
        store.update_run(tracked_as, status="RUNNING")
    except Exception as error:  # As above: the search must not end by it.
        log.warning("MLflow failed, and the search goes on without it: %s", error)
    return tracked_as


def end_search(tracked_as: str | None, figures: dict[str, float], status: Status) -> None:
    """Closes what the trials of a search are kept under.

    Args:
        tracked_as: As ``begin_search`` gave it.
        figures: Those of the best trial.
        status: How the search ended.
    """
    if tracked_as is None:
        return
    try:
        for key, value in figures.items():
            client().log_metric(tracked_as, _metric_name(key), value)
        client().set_terminated(tracked_as, status)
    except Exception as error:  # As above.
        log.warning("MLflow failed, and the search goes on without it: %s", error)


def _under(run: Run) -> dict[str, str]:
    """The tags that put a search's trial under it."""
    trial = run.record.trial
    if trial is None:
        return {}
    parent = {"mlflow.parentRunId": trial.tracked_under} if trial.tracked_under else {}
    return {"har.search": trial.search, **parent}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat |= _flat({str(number): item for number, item in enumerate(value)}, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _metric_name(text: str) -> str:
    """With the characters that MLflow allows in names."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in text)
