"""The model of this process."""

from har_core.bundle import BundleInfo
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
        return predictor().bundle.info
    except ModelError:
        return None
