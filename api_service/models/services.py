"""The model of this process, and all others."""

from typing import Any

from api_service.http.errors import UnknownModel
from har_core import bundle as bundles
from har_core import serving
from har_core.bundle import Bundle, BundleInfo
from har_core.errors import ModelError
from har_core.live import LivePredictor
from har_core.predictor import Predictor

_live = LivePredictor()


def predictor() -> Predictor:
    """The predictor of the model in service, loaded and warm. Ask once a request: the next call may give another.

    Raises:
        ModelError: The model is missing or broken, and there was none before it.
    """
    return _live.get()


def served() -> BundleInfo | None:
    """The model that answers; None where it is missing or broken."""
    try:
        return ready()
    except ModelError:
        return None


def ready() -> BundleInfo:
    """The model that answers; waits for nothing, and has nothing loaded.

    Raises:
        ModelError: It is not loaded yet, missing or broken.
    """
    return _live.peek().bundle.info


def find(reference: str) -> Bundle:
    """One model by ``NAME@VERSION``; no text from outside is taken for the path of a folder.

    Raises:
        UnknownModel: There is none like that.
        BundleBroken: Its description is damaged.
    """
    if reference not in {folder.name for folder in serving.folders()}:
        raise UnknownModel(f"There is no model “{reference[:100]}”. GET /api/v1/models names those that there are.")
    return serving.find(reference)


def summaries() -> list[dict[str, Any]]:
    """The models here that can be read, by name, newest version first."""
    good, _ = serving.bundles()
    return [_summary(bundle) for bundle in good]


def details(bundle: Bundle) -> dict[str, Any]:
    """All that is known of a model.

    Raises:
        BundleBroken: Its card was changed or has gone.
    """
    card = bundle.read(bundles.CARD).decode("utf-8", "replace")
    return bundle.info.model_dump(mode="json") | _summary(bundle) | {"card": card}


def _summary(bundle: Bundle) -> dict[str, Any]:
    info, answering = bundle.info, served()
    return {
        "name": info.name,
        "version": info.version,
        "label_count": len(info.labels),
        "input_size": info.input_size,
        "created": info.created,
        "size": bundle.size,
        "in_service": answering is not None and (info.name, info.version) == (answering.name, answering.version),
        "evaluation": info.evaluation.model_dump(),
    }
