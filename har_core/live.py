"""The model in service, kept up with while a process serves."""

import logging
import threading
import time

from har_core import serving
from har_core.errors import ModelError, ModelLoading
from har_core.predictor import Predictor

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
# How long a model that could not be loaded is left alone; less where no other one answers.
_RETRY_SECONDS = 30.0
_FIRST_RETRY_SECONDS = 3.0


class LivePredictor:
    """Always the predictor of the model in service, for the threads of a process.

    A thread looks every second which model is in service. A new one is loaded and run once beside the old one, which
    answers until the new one is ready, and then to the end of the requests that have begun with it. Where the new one
    cannot be loaded, the old one stays. Where none can be loaded, it is tried again every few seconds.
    """

    def __init__(self) -> None:
        """Loads nothing yet and starts no thread: a server may still fork."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tried = threading.Event()
        self._ended = threading.Event()
        self._predictor: Predictor | None = None
        self._error: ModelError = ModelLoading("The model is being loaded.")
        self._stamp: tuple[int, ...] | None = None
        self._retry_at = 0.0

    def get(self) -> Predictor:
        """The predictor, loaded and warm; the first call has it loaded, and all wait for that.

        Ask once a request: the next call may give another.

        Raises:
            ModelError: The model in service is missing or broken, and no other was loaded before.
        """
        self._start()
        self._tried.wait()
        return self.peek()

    def peek(self) -> Predictor:
        """As ``get``, for those who must not wait, nor have anything loaded.

        Raises:
            ModelLoading: None is loaded yet.
            ModelError: The model in service is missing or broken, and no other was loaded before.
        """
        if self._predictor is None:
            # Raised anew: one that many threads raise would collect all their tracebacks.
            raise type(self._error)(str(self._error))
        return self._predictor

    def close(self) -> None:
        """Stops following; the model stays as it is."""
        self._ended.set()

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._follow, name="model in service", daemon=True)
                    self._thread.start()

    def _follow(self) -> None:
        self._stamp = serving.stamp()  # Before loading, so that what happens meanwhile is not missed.
        self._renew()
        self._tried.set()
        while not self._ended.wait(_LOOK_SECONDS):
            stamp = serving.stamp()
            if stamp != self._stamp or 0 < self._retry_at < time.monotonic():
                self._stamp = stamp
                self._renew()

    def _renew(self) -> None:
        self._retry_at = 0.0
        try:
            self._load()
        except Exception as error:  # Whatever is wrong with the new one, the old one must go on.
            self._keep(error)

    def _load(self) -> None:
        bundle = serving.find()
        if self._predictor is None or bundle.digest != self._predictor.bundle.digest:
            self._predictor = Predictor(bundle)
            log.info("%s answers from now on", bundle.reference)

    def _keep(self, error: Exception) -> None:
        if self._predictor is not None:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            log.error("the model in service cannot be loaded, and the one before it goes on answering: %s", error)
            return
        self._retry_at = time.monotonic() + _FIRST_RETRY_SECONDS
        if str(error) != str(self._error):
            log.error("the model in service cannot be loaded, and there is none to answer: %s", error)
        self._error = error if isinstance(error, ModelError) else ModelError(str(error))
