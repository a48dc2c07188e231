"""Takes models over from MLflow's model registry, where ``training.registry`` of another host has put them.

A bundle is kept only when it has the digest that the registry promises and passes what an imported one has to. On a
host that follows (``HAR_FOLLOW``), the model in service there is put in service here, with the history of promotions:
its own change of one file, as after a promotion. Needs no TensorFlow.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter, ValidationError

from har_core import serving, transfer
from har_core.bundle import Bundle
from har_core.config import settings
from har_core.errors import HarError, HistoryBroken, ImportRefused, PromotionRefused, RegistryUnreachable
from har_core.files import locked
from har_core.serving import Entry
from training import registry, tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

log = logging.getLogger(__name__)

_MODEL = re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]{0,63})(@[1-9][0-9]{0,8})?")
_HISTORY = TypeAdapter(list[Entry])
_LONGEST_WAIT = 60.0


class Pulled(NamedTuple):
    """What came of a look at the registry.

    Attributes:
        bundle: The model.
        is_new: Whether it was not here before.
        is_put: Whether another model, or history, was in service here until then.
    """

    bundle: Bundle
    is_new: bool
    is_put: bool


def model(reference: str) -> Pulled:
    """Takes a model over, without putting it in service.

    Args:
        reference: ``NAME@VERSION``, or ``NAME`` for the newest version.

    Raises:
        RegistryUnreachable: MLflow cannot be asked, or has no such model.
        ImportRefused: The bundle is not the one that was promised, or unsound, or cannot be kept.
    """
    with _asking():
        version = _find(_client(), reference)
    return _bundle(version)


def in_service() -> Pulled:
    """Puts the model in service here that the host which promotes has put in service.

    Raises:
        PromotionRefused: This host does not follow, or settings of both hosts contradict each other.
        RegistryUnreachable: MLflow cannot be asked, or names none in service.
        ImportRefused: The bundle is not the one that was promised, or unsound, or cannot be kept.
        HistoryBroken: The history there makes no sense, or that of this host cannot be read or written.
    """
    _require_following()
    with _asking():
        version = _served(_client())
    pulled = _bundle(version)
    entries = _history(version)
    last = (entries[-1].model, entries[-1].digest) if entries else None
    # Where HAR_MODEL names a version, there or here, the history does not say what is in service.
    if serving.is_pinned() or last in (None, (pulled.bundle.reference, pulled.bundle.digest)):
        pulled = pulled._replace(is_put=serving.adopt(entries))
        if serving.in_service() == pulled.bundle.reference:
            return pulled
    raise PromotionRefused(
        f"Where models are promoted, {pulled.bundle.reference} is in service by the settings: give HAR_MODEL the same "
        "value here as there."
    )


def follow(seconds: float, tell: Callable[[Pulled], object], complain: Callable[[str], object]) -> None:
    """Keeps up with the model in service until it is interrupted; whatever goes wrong, what serves here goes on.

    Args:
        seconds: From one look to the next; twice as many after each that fails, up to a minute.
        tell: Told what is in service first, and then of what has changed.
        complain: Told why it does not work, once for each reason.

    Raises:
        PromotionRefused: This host does not follow.
    """
    _require_following()
    wait, said = seconds, ""
    while True:
        try:
            pulled = in_service()
            if pulled.is_new or pulled.is_put or pulled.bundle.reference != said:
                tell(pulled)
            wait, said = seconds, pulled.bundle.reference
        except HarError as error:
            wait = min(2 * wait, max(seconds, _LONGEST_WAIT))
            if str(error) != said:
                said = str(error)
                complain(said)
        time.sleep(wait)


def _require_following() -> None:
    if not settings().follow:
        raise PromotionRefused("This host decides itself what is in service; HAR_FOLLOW=true has it follow others.")


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except HarError:
        raise
    except Exception as error:  # Whatever a store, a driver or a server raises.
        first = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise RegistryUnreachable(f"MLflow cannot be asked, and everything stays as it is: {first}") from error


def _client() -> "MlflowClient":
    if not settings().mlflow_tracking_uri:
        raise RegistryUnreachable("MLFLOW_TRACKING_URI is not set: it names the MLflow that has other hosts' models.")
    return tracking.client()


def _served(client: "MlflowClient") -> "ModelVersion":
    for version in registry.aliased(client):
        return version
    raise RegistryUnreachable(
        "MLflow names no model that is in service: on the host that promotes, `python -m training.registry` tells it."
    )


def _find(client: "MlflowClient", reference: str) -> "ModelVersion":
    match = _MODEL.fullmatch(reference)
    found = client.search_model_versions(f"name = '{match['name']}'") if match else []
    fitting = [
        version
        for version in found
        if reference in (tag := version.tags.get(registry.MODEL, ""), tag.partition("@")[0]) and _MODEL.fullmatch(tag)
    ]
    if not fitting:
        raise RegistryUnreachable(f"MLflow has no model {reference[:100]}.")
    return max(fitting, key=lambda one: (int(one.tags[registry.MODEL].partition("@")[2] or 0), int(one.version)))


def _bundle(version: "ModelVersion") -> Pulled:
    reference, digest = (version.tags.get(tag, "") for tag in (registry.MODEL, registry.DIGEST))
    try:
        settings().home.mkdir(parents=True, exist_ok=True)
        with locked(settings().home / "pull.lock"):  # Two at a time would fetch it twice.
            present = serving.bundles()[0]
            here = next((one for one in present if (one.reference, one.digest) == (reference, digest)), None)
            if here:
                return Pulled(here, is_new=False, is_put=False)
            taken = transfer.take_over(reference, digest, lambda folder: _fetch(str(version.source), folder))
    except OSError as error:
        raise ImportRefused(f"{settings().home} cannot be written: {error.strerror or error}.") from error
    return Pulled(taken, is_new=True, is_put=False)


def _fetch(source: str, folder: Path) -> None:
    """Copies MLflow's artifacts, where all have a name and a size that a bundle's files have."""
    # The functions for this in mlflow.artifacts find nothing in a folder of files.
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: PLC0415

    with _asking():
        artifacts = get_artifact_repository(source, tracking_uri=tracking.uri())
        found = artifacts.list_artifacts()
        for item in found:
            if item.path not in transfer.FILES or not 0 <= (item.file_size or 0) <= transfer.FILES[item.path]:
                raise ImportRefused(f"{item.path[:100]!a} has no place in a bundle, or is too large.")
        for item in found:
            artifacts.download_artifacts(item.path, str(folder))  # type: ignore[no-untyped-call]


def _history(version: "ModelVersion") -> list[Entry]:
    try:
        entries = _HISTORY.validate_json(version.tags.get(registry.HISTORY, "[]"))
    except ValidationError as error:
        raise HistoryBroken("The history of promotions in MLflow is damaged; nothing is changed here.") from error
    for entry in entries:
        words = (entry.model, entry.digest, entry.before, entry.who, entry.when, entry.why, entry.override)
        if not all(text.isprintable() for text in words):  # A terminal would obey.
            raise HistoryBroken("The history of promotions in MLflow holds characters that no text needs.")
    return entries
