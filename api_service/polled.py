"""What may take for ever to find out, for those who must not wait: probes, and the page of metrics."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

_Found = TypeVar("_Found")

_WAIT = 0.25
# After so long, nobody believes that an answer will come.
_PATIENCE = 3.0


class Polled(Generic[_Found]):
    """Asks in a thread of its own, one question at a time, and no more often than it is worth."""

    def __init__(self, ask: Callable[[], _Found], seconds: float) -> None:
        """Asks nothing yet and starts no thread: a server may still fork.

        Args:
            ask: Finds it out.
            seconds: How long an answer is good.
        """
        self._ask, self._seconds = ask, seconds
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "polled")
        self._asked = 0.0
        self._coming: Future[_Found] | None = None
        self._last: Future[_Found] | None = None

    def get(self) -> _Found:
        """The answer, or the one before it where a new one is a little slow.

        Raises:
            TimeoutError: There is none, and it has taken too long by now.
            Exception: What asking has raised.
        """
        with self._lock:
            now = time.monotonic()
            if self._coming is None or (self._coming.done() and now - self._asked >= self._seconds):
                self._last, self._asked, self._coming = self._coming, now, self._pool.submit(self._ask)
            last, coming, patience = self._last, self._coming, max(0.0, self._asked + _PATIENCE - now)
        try:
            return coming.result(min(_WAIT, patience) if last else patience)
        except TimeoutError:
            if last is None or not patience:
                raise
            return last.result()
