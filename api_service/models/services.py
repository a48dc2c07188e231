"""The model of this process."""

import threading

from har_core import serving
from har_core.bundle import BundleInfo
from har_core.errors import ModelError
from har_core.predictor import Predictor

_lock = threading.Lock()
_predictor: Predictor | None = None


def predictor() -> Predictor:
    """The predictor, loaded and warm; loads it if this process has none yet.

    Raises:
        ModelError: The model is missing or broken.
    """
    global _predictor  # noqa: PLW0603 - one model a process is the point
    with _lock:
        if _predictor is None:
            _predictor = Predictor(serving.find())
        return _predictor


def served() -> BundleInfo | None:
    """The model in service; None where it is missing or broken."""
    try:
        return predictor().bundle.info
    except ModelError:
        return None
