"""Mirrors the models and which one is in service in MLflow's model registry: ``python -m training.registry``.

A model is registered under its name, each of its bundles as a version; MLflow counts these itself, so the tag
``har.model`` says which is which. The one in service has the alias ``in_service``. Nothing here is ever read back:
what counts is ``har_core.serving``. Needs no TensorFlow; MLflow is imported when something is mirrored.
"""

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from har_core import serving
from har_core.bundle import Bundle
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
_TAG = "har.model"


def mirror_soon() -> None:
    """Has it done by a process of its own, which nobody waits for."""
    try:
        background.start(["training.registry"], settings().home / "mlflow" / "registry.log")
    except OSError as error:  # What it follows has been done already.
        log.warning("MLflow's registry is not brought up to date: %s", error)


def mirror() -> bool:
    """Registers each bundle that is not registered yet, and sets the alias.

    Returns:
        Whether that was possible; why not is in the log.
    """
    try:
        client = tracking.client()
        # One at a time: two would both find a bundle missing.
        with locked(settings().home / "mlflow" / "registry.lock"):
            _mirror(client)
    except Exception as error:  # Whatever a store, a driver or a server raises; models serve without it all the same.
        log.warning("MLflow's registry is not brought up to date: %s", error)
        return False
    return True


def _mirror(client: "MlflowClient") -> None:
    in_service = serving.in_service()
    versions = {
        bundle.reference: _registered(client, bundle) or _register(client, bundle)
        for bundle in reversed(serving.bundles()[0])  # Oldest version first.
    }
    served = versions.get(in_service)
    for model in client.search_registered_models():
        if ALIAS in model.aliases and (served is None or model.name != served.name):
            client.delete_registered_model_alias(model.name, ALIAS)
    if served:
        client.set_registered_model_alias(served.name, ALIAS, served.version)


def _registered(client: "MlflowClient", bundle: Bundle) -> "ModelVersion | None":
    found = client.search_model_versions(f"name = '{bundle.info.name}'")
    return next((version for version in found if version.tags.get(_TAG) == bundle.reference), None)


def _register(client: "MlflowClient", bundle: Bundle) -> "ModelVersion":
    name = bundle.info.name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    run = _run(client, bundle) or _run_in_its_stead(client, bundle)
    is_uploaded = any(item.path == "bundle" for item in client.list_artifacts(run.info.run_id))
    source = f"{run.info.artifact_uri}/bundle" if is_uploaded else bundle.folder.absolute().as_uri()
    return client.create_model_version(name, source, run.info.run_id, tags=_tags(bundle))


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
    if tracking.is_server():  # It takes no path of this machine for a version's source.
        client.log_artifacts(run.info.run_id, str(bundle.folder), "bundle")
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
