"""Sends requests, and sends them again where that does no harm."""

import io
import itertools
import random
from collections.abc import Iterator
from time import sleep
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from har_client import errors
from har_client.errors import HarApiError, Overloaded, RateLimited, Unreachable

_IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE"}
# Who answers so has not begun with what was asked for.
_UNTOUCHED = {"rate_limited", "overloaded"}
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 8.0
_LONGEST_RETRY_AFTER = 60.0

_Kind = TypeVar("_Kind", bound=BaseModel)


class Connection:
    """A connection to one API, as one key."""

    def __init__(self, base_url: str, key: str | None, timeout: float, retries: int) -> None:
        """Connects when something is first sent."""
        headers = {"User-Agent": "har-client"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout)
        self._retries = retries

    def close(self) -> None:
        """Closes the connections to the server."""
        self._http.close()

    def json(self, method: str, url: str, **options: Any) -> Any:
        """Sends a request; gives the answer's JSON. Takes what ``send`` takes."""
        return self.send(method, url, **options).json()

    def one(self, kind: type[_Kind], method: str, url: str, **options: Any) -> _Kind:
        """The same, as a record."""
        return kind.model_validate(self.json(method, url, **options))

    def all(self, kind: type[_Kind], url: str, **params: Any) -> tuple[_Kind, ...]:
        """What a list holds."""
        return tuple(kind.model_validate(row) for row in self.json("GET", url, params=params)["results"])

    def lines(self, url: str, **options: Any) -> Iterator[str]:
        """Gives the lines of an answer as they arrive.

        Raises:
            HarApiError: The request is refused, or the answer is cut off.
        """
        response = self.send("GET", url, is_streamed=True, **options)
        try:
            yield from response.iter_lines()
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        finally:
            response.close()

    def send(
        self, method: str, url: str, is_repeatable: bool | None = None, is_streamed: bool = False, **options: Any
    ) -> httpx.Response:
        """Sends a request, again and again where the server is away for a moment, or asks for that.

        Args:
            method: The HTTP method.
            url: Below the API's address.
            is_repeatable: Whether it does no harm to send it twice; None: the method says so.
            is_streamed: Whether the answer's body is read later.
            options: As for ``httpx.Client.request``.

        Raises:
            HarApiError: The last attempt failed.
        """
        may_repeat = method in _IDEMPOTENT if is_repeatable is None else is_repeatable
        for attempt in itertools.count():
            try:
                return self._send_once(method, url, is_streamed, options)
            except HarApiError as error:
                delay = _delay(error, attempt)
                if attempt >= self._retries or not _may_help(error, may_repeat) or delay > _LONGEST_RETRY_AFTER:
                    raise
            sleep(delay)
        raise AssertionError  # Nobody counts so far.

    def _send_once(self, method: str, url: str, is_streamed: bool, options: dict[str, Any]) -> httpx.Response:
        if isinstance(options.get("content"), io.IOBase):
            options["content"].seek(0)
        try:
            response = self._http.send(self._http.build_request(method, url, **options), stream=is_streamed)
            if response.is_success:
                return response
            response.read()
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        raise errors.of(response)


def _may_help(error: HarApiError, may_repeat: bool) -> bool:
    """Whether a request may be sent again after an error, and might fare better."""
    if error.code in _UNTOUCHED:
        return True
    return may_repeat and isinstance(error, Unreachable | RateLimited | Overloaded)


def _delay(error: HarApiError, attempt: int) -> float:
    """Seconds to wait: what the server says, else ever longer, and not the same for all who wait."""
    if error.retry_after is not None:
        return error.retry_after
    return min(_FIRST_DELAY * 2**attempt, _LONGEST_DELAY) * random.uniform(0.5, 1)


def _unreachable(error: httpx.TransportError) -> Unreachable:
    return Unreachable(0, "unreachable", f"The server cannot be reached: {error or type(error).__name__}.")
