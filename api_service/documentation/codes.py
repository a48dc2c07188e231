"""Every code that a problem answer can have, with its status and what it means."""

from collections.abc import Iterator
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from rest_framework.exceptions import APIException

from api_service.http import problems
from har_core.errors import HarError

_Kind = TypeVar("_Kind", bound=Exception)

# Those that no exception of the project's stands for.
_OTHERS = {
    "bad_request": (HTTPStatus.BAD_REQUEST, "The request lacks what is needed, or is not meant for this host."),
    "malformed_request": (HTTPStatus.BAD_REQUEST, "The body is not of the form that it says, or was cut off."),
    "invalid_parameter": (
        HTTPStatus.BAD_REQUEST,
        "A parameter or field is missing, or has a value that it cannot have.",
    ),
    "forbidden": (HTTPStatus.FORBIDDEN, "This is not allowed, or a page of another site has a browser ask for it."),
    "not_found": (HTTPStatus.NOT_FOUND, "There is nothing at this address."),
    "method_not_allowed": (
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The address has no such method; `Allow` names those it has.",
    ),
    "not_acceptable": (HTTPStatus.NOT_ACCEPTABLE, "The answer cannot be had in the form that `Accept` asks for."),
    "request_timeout": (HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time."),
    "request_too_large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than a request may be."),
    "too_many_images": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "More images than go into one request."),
    "unsupported_media_type": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body has a type that is not taken here."),
    "overloaded": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "There is more to do than can be done soon; `Retry-After` says when to come back.",
    ),
    "answer_timeout": (HTTPStatus.SERVICE_UNAVAILABLE, "The answer took too long and was given up."),
    "headers_too_large": (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large."),
    "internal_error": (HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; it has been logged."),
}


class Code(NamedTuple):
    """A code, with the status that it always comes with."""

    name: str
    status: HTTPStatus
    meaning: str

    def example(self) -> dict[str, Any]:
        """A problem answer with this code."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "code": self.name,
            "detail": self.meaning,
            "request_id": "5f0c1b2e9d3a4c7f8e6b1a2d3c4e5f60",
        }


@lru_cache(maxsize=1)
def known() -> dict[str, Code]:
    """All codes by name."""
    codes = [Code(kind.code, problems.status_of(kind("")), _sentence(kind)) for kind in _kinds(HarError)]
    codes += [
        Code(kind.default_code, HTTPStatus(kind.status_code), _sentence(kind))
        for kind in _kinds(APIException)
        if kind.__module__.startswith("api_service.")
    ]
    codes += [Code(name, *facts) for name, facts in _OTHERS.items()]
    return {code.name: code for code in codes}


def _kinds(base: type[_Kind]) -> Iterator[type[_Kind]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _sentence(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
