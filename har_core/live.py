"""The model in service, kept up with while a process serves."""

import logging
import threading
import time

from har_core import serving
from har_core.predictor import Predictor

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
# How long a model that could not be loaded is left alone.
_RETRY_SECONDS = 30.0


class LivePredictor:
    """Always the predictor of the model in service, for the threads of a process.

    A thread looks every second which model is in service. A new one is loaded and run once beside the old one, which
    answers until the new one is ready, and then to the end of the requests that have begun with it. Where the new one
    cannot be loaded, the old one stays.
    """

    def __init__(self) -> None:
        """Loads nothing yet and starts no thread: a server may still fork."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._predictor: Predictor | None = None
        self._stamp: tuple[int, ...] | None = None
        self._retry_at = 0.0

    def get(self) -> Predictor:
        """The predictor, loaded and warm; the first call loads it. Ask once a request: the next call may give another.

        Raises:
            ModelError: The model in service is missing or broken, and no other was loaded before.
        """
        found = self._predictor
        if found is not None:
            return found
        with self._lock:
            if self._predictor is None:
                self._stamp = serving.stamp()  # Before loading, so that what happens meanwhile is not missed.
                self._predictor = Predictor(serving.find())
                threading.Thread(target=self._follow, name="model in service", daemon=True).start()
            return self._predictor

    def close(self) -> None:
        """Stops following; the model stays as it is."""
        self._ended.set()

    def _follow(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            stamp = serving.stamp()
            if stamp == self._stamp and not 0 < self._retry_at < time.monotonic():
                continue
            self._stamp, self._retry_at = stamp, 0.0
            try:
                self._renew()
            except Exception as error:  # Whatever is wrong with the new one, the old one must go on.
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                log.error("the model in service cannot be loaded, and the one before it goes on answering: %s", error)

    def _renew(self) -> None:
        bundle = serving.find()
        if self._predictor is None or bundle.digest != self._predictor.bundle.digest:
            self._predictor = Predictor(bundle)
            log.info("%s answers from now on", bundle.reference)
