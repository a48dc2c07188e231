"""Mirrors the models and which one is in service in MLflow's model registry: ``python -m training.registry``.

A model is registered under its name, each of its bundles as a version; MLflow counts these itself, so the tags
``har.model`` and ``har.digest`` say which is which. The one in service has the alias ``in_service``, and the history
of promotions as its tag ``har.history``. Hosts that follow take that over (``training.pull``), and never move the
alias. On the host that promotes, nothing is ever read back: what counts there is ``har_core.serving``.

Needs no TensorFlow; MLflow is imported when something is mirrored.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from har_core import serving
from har_core.bundle import INFO, Bundle
from har_core.config import settings
from har_core.errors import RunNotFound
from har_core.files import locked
from training import background, runs, tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as TrackedRun
    from mlflow.entities.model_registry import ModelVersion

log = logging.getLogger(__name__)

ALIAS = "in_service"
MODEL, DIGEST, HISTORY = "har.model", "har.digest", "har.history"
"""Tags of a version."""

# What MLflow takes as a tag. The oldest entries of a longer history are left out.
_MOST_HISTORY = 100_000


def mirror_soon() -> None:
    """Has it done by a process of its own, which nobody waits for."""
    try:
        _pending().parent.mkdir(parents=True, exist_ok=True)
        _pending().touch()
        background.start(["training.registry"], settings().home / "mlflow" / "registry.log")
    except OSError as error:  # What it follows has been done already.
        log.warning("MLflow's registry is not brought up to date: %s", error)


def catch_up() -> None:
    """Has it done again where it was not possible when it was asked for."""
    if _pending().exists():
        mirror_soon()


def mirror() -> bool:
    """Registers each bundle that is not registered yet, and sets the alias.

    Returns:
        Whether that was possible; why not is in the log.
    """
    try:
        client = tracking.client()
        # One at a time: two would both find a bundle missing.
        with locked(settings().home / "mlflow" / "registry.lock"):
            asked = _pending().stat().st_mtime_ns if _pending().exists() else 0
            _mirror(client)
            if asked and _pending().stat().st_mtime_ns == asked:  # Not again meanwhile.
                _pending().unlink()
    except Exception as error:  # Whatever a store, a driver or a server raises; models serve without it all the same.
        log.warning("MLflow's registry is not brought up to date: %s", error)
        return False
    return True


def _pending() -> Path:
    """There as long as something is to be mirrored."""
    return settings().home / "mlflow" / "registry.pending"


def _mirror(client: "MlflowClient") -> None:
    in_service = serving.in_service()
    versions = {
        bundle.reference: _registered(client, bundle) or _register(client, bundle)
        for bundle in reversed(serving.bundles()[0])  # Oldest version first.
    }
    if settings().follow:
        return
    served = versions.get(in_service)
    for version in aliased(client):
        if served is None or version.name != served.name:
            client.delete_registered_model_alias(version.name, ALIAS)
    if served:
        # Before the alias: who comes by that reads both of the same promotion.
        client.set_model_version_tag(served.name, served.version, HISTORY, _history())
        client.set_registered_model_alias(served.name, ALIAS, served.version)


def aliased(client: "MlflowClient") -> "list[ModelVersion]":
    """The versions of ours that have the alias: other projects on the same server may have one of that name, too."""
    page = client.search_registered_models()
    models = [*page]
    while page.token:
        page = client.search_registered_models(page_token=page.token)
        models += page
    versions = [client.get_model_version_by_alias(model.name, ALIAS) for model in models if ALIAS in model.aliases]
    return [version for version in versions if MODEL in version.tags]


def _history() -> str:
    entries = [entry.model_copy(update={"checks": []}).model_dump(mode="json") for entry in serving.history()[::-1]]
    while len(text := json.dumps(entries)) > _MOST_HISTORY:
        del entries[0]
    return text


def _registered(client: "MlflowClient", bundle: Bundle) -> "ModelVersion | None":
    found = client.search_model_versions(f"name = '{bundle.info.name}'")
    wanted = (bundle.reference, bundle.digest)
    return next((version for version in found if (version.tags.get(MODEL), version.tags.get(DIGEST)) == wanted), None)


def _register(client: "MlflowClient", bundle: Bundle) -> "ModelVersion":
    name = bundle.info.name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    run = _run(client, bundle) or _run_in_its_stead(client, bundle)
    source = f"{run.info.artifact_uri}/bundle"
    if not _is_uploaded(client, run, bundle):
        if tracking.is_server():  # It takes no path of this machine for a version's source.
            client.log_artifacts(run.info.run_id, str(bundle.folder), "bundle")
        else:
            source = bundle.folder.absolute().as_uri()
    return client.create_model_version(name, source, run.info.run_id, tags=_tags(bundle))


def _is_uploaded(client: "MlflowClient", run: "TrackedRun", bundle: Bundle) -> bool:
    """Whether all of it is there: who was uploading it may have been interrupted."""
    there = {Path(item.path).name for item in client.list_artifacts(run.info.run_id, "bundle")}
    return there >= {INFO, *bundle.info.sha256}


def _run(client: "MlflowClient", bundle: Bundle) -> "TrackedRun | None":
    """The run that trained it, where that was here and is kept in this store."""
    try:
        tracked_as = runs.find(bundle.info.run).tracked_as
    except RunNotFound:
        return None
    wanted = f"tags.`har.run` = '{bundle.info.run}'"
    found = client.search_runs([tracking.experiment(client)], wanted)
    return next((run for run in found if run.info.run_id == tracked_as), None)


def _run_in_its_stead(client: "MlflowClient", bundle: Bundle) -> "TrackedRun":
    """A run that holds the figures of a bundle which was trained elsewhere."""
    run = client.create_run(tracking.experiment(client), tags=_tags(bundle), run_name=bundle.reference)
    for key, metric in bundle.info.evaluation.metrics.items():
        client.log_metric(run.info.run_id, f"test_{key}", metric.value)
    client.set_terminated(run.info.run_id)
    return run


def _tags(bundle: Bundle) -> dict[str, Any]:
    info = bundle.info
    facts = {
        "model": bundle.reference,
        "digest": bundle.digest,
        "created": info.created,
        "run": info.run,
        "dataset": info.dataset.get("name", ""),
        "dataset_fingerprint": info.dataset.get("fingerprint", ""),
        "code_revision": info.code_revision,
        "labels": len(info.labels),
        "precision": info.precision,
        **{f"test_{name}": metric.value for name, metric in info.evaluation.metrics.items()},
    }
    return {f"har.{key}": str(value) for key, value in facts.items()}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    os.nice(10)  # Those who are served go first.
    sys.exit(not mirror())
