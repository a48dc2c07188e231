"""What may take for ever to find out, for those who must not wait: probes, and the page of metrics."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

_Found = TypeVar("_Found")

_PATIENCE = 1.0


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
        self._answer: Future[_Found] | None = None

    def get(self) -> _Found:
        """The last answer, or a new one.

        Raises:
            TimeoutError: It takes longer than a second.
            Exception: What asking has raised.
        """
        with self._lock:
            old = time.monotonic() - self._asked >= self._seconds
            if self._answer is None or (old and self._answer.done()):
                self._asked, self._answer = time.monotonic(), self._pool.submit(self._ask)
            answer = self._answer
        return answer.result(_PATIENCE)
