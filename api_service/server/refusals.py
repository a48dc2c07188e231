"""What is said to a request that Django's views never see."""

from http import HTTPStatus
from typing import Any

_KEY = "har.refused"


class Refused(Exception):
    """A request is not passed on to a view; the exception's text is the sentence for people.

    Attributes:
        status: HTTP status.
        code: Stable identifier for programs.
        headers: Of the answer.
    """

    def __init__(self, status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        """Takes what is answered."""
        super().__init__(detail)
        self.status, self.code, self.headers = status, code, headers or {}


def too_large(most: int) -> Refused:
    """The body is over the limit."""
    text = f"A request to this address has at most {most / 1e6:g} MB."
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large", text)


def too_slow() -> Refused:
    """The body does not arrive."""
    text = "The request did not arrive in time; send it again, by a faster connection."
    return Refused(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", text, {"Connection": "close"})


def overloaded() -> Refused:
    """There is more to do than can be done soon."""
    text = "Too many requests are under way; send it again in a moment."
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", text, {"Retry-After": "1"})


def took_too_long() -> Refused:
    """An answer was given up."""
    text = "The answer took too long and was given up."
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "answer_timeout", text, {"Retry-After": "5"})


def environ(environ: dict[str, Any], refused: Refused) -> dict[str, Any]:
    """The WSGI environment by which Django answers with it."""
    # Its traceback would hold whoever raised it, and with that the request's body.
    return environ | {_KEY: refused.with_traceback(None)}


def found(environ: dict[str, Any]) -> Refused | None:
    """What an environment says is to be answered; None: what was asked for."""
    return environ.get(_KEY)
