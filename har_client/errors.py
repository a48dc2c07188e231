"""What can go wrong with a request."""

from http import HTTPStatus
from typing import Any

import httpx

from har_client.records import Check

_PHOTO_CODES = {
    "empty_image",
    "image_error",
    "image_too_large",
    "too_many_pixels",
    "not_an_image",
    "unsupported_format",
    "truncated_image",
    "corrupt_image",
}


class HarApiError(Exception):
    """A request was not answered as it was meant to be.

    Attributes:
        status: The HTTP status; 0 where there was no answer.
        code: What went wrong, for programs; it stays the same from release to release.
        detail: The same in a sentence for people.
        request_id: By which the server's log names the request; empty where there is none.
        retry_after: Seconds after which the server wants to be asked again, where it said so.
    """

    def __init__(
        self, status: int, code: str, detail: str, request_id: str = "", retry_after: float | None = None
    ) -> None:
        """Takes what the answer said."""
        super().__init__(f"{detail} ({code}{f', request {request_id}' if request_id else ''})")
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after


class Unreachable(HarApiError):
    """There was no answer, or it was cut off."""


class NotAllowed(HarApiError):
    """The key is missing, unknown or expired, or lacks the scope."""


class NotFound(HarApiError):
    """There is no such thing."""


class Conflict(HarApiError):
    """It cannot be done as things are."""


class PromotionRefused(Conflict):
    """A model was not put in service.

    Attributes:
        checks: What was examined; empty where nothing was.
    """

    checks: tuple[Check, ...] = ()


class PhotoRejected(HarApiError):
    """The file is no photo that can be read."""


class RateLimited(HarApiError):
    """More requests than the key may send."""


class Overloaded(HarApiError):
    """The server has too much to do, and wants to be asked again."""


def of(response: httpx.Response) -> HarApiError:
    """The error that an answer stands for."""
    body = _body(response)
    code = str(body.get("code", "unexpected_answer"))
    kind = _kind(response, code)
    error = kind(
        response.status_code,
        code,
        str(body.get("detail") or f"The server answered {response.status_code} {response.reason_phrase}."),
        str(body.get("request_id") or response.headers.get("X-Request-ID", "")),
        _retry_after(response),
    )
    if isinstance(error, PromotionRefused):
        error.checks = tuple(Check.model_validate(check) for check in body.get("checks", []))
    return error


def _kind(response: httpx.Response, code: str) -> type[HarApiError]:
    if code == "promotion_refused":
        return PromotionRefused
    if code in _PHOTO_CODES:
        return PhotoRejected
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and _retry_after(response) is not None:
        return Overloaded
    kinds: dict[int, type[HarApiError]] = {
        HTTPStatus.UNAUTHORIZED: NotAllowed,
        HTTPStatus.FORBIDDEN: NotAllowed,
        HTTPStatus.NOT_FOUND: NotFound,
        HTTPStatus.CONFLICT: Conflict,
        HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    }
    return kinds.get(response.status_code, HarApiError)


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:  # A proxy's page, say.
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None
