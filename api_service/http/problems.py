"""Every error as ``application/problem+json`` (RFC 9457), with a stable ``code``, whatever raised it."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions

from api_service.http import ids
from api_service.http.errors import (
    DatabaseNotMigrated,
    DatabaseUnreachable,
    PromotionBusy,
    PromotionUnfinished,
    UnknownModel,
)
from api_service.http.paths import without_folders
from api_service.jobs import errors as jobs
from har_core import errors
from har_core.config import settings

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

# An error's status is that of its nearest base class listed here.
_STATUS: dict[type[Exception], HTTPStatus] = {
    errors.EmptyImage: HTTPStatus.BAD_REQUEST,
    errors.ImageTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooManyPixels: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotAnImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnsupportedFormat: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PromotionRefused: HTTPStatus.CONFLICT,
    errors.ModelError: HTTPStatus.SERVICE_UNAVAILABLE,
    UnknownModel: HTTPStatus.NOT_FOUND,
    PromotionBusy: HTTPStatus.CONFLICT,
    PromotionUnfinished: HTTPStatus.SERVICE_UNAVAILABLE,
    DatabaseUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    DatabaseNotMigrated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatasetNotFound: HTTPStatus.NOT_FOUND,
    errors.DatasetBroken: HTTPStatus.CONFLICT,
    errors.RunNotFound: HTTPStatus.NOT_FOUND,
    errors.RecipeInvalid: HTTPStatus.BAD_REQUEST,
    errors.QueueUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TrainingError: HTTPStatus.CONFLICT,
    errors.FeedbackOff: HTTPStatus.FORBIDDEN,
    errors.LabelInvalid: HTTPStatus.BAD_REQUEST,
    errors.FeedbackNotFound: HTTPStatus.NOT_FOUND,
    errors.PredictionNotFound: HTTPStatus.NOT_FOUND,
    errors.FeedbackAdded: HTTPStatus.CONFLICT,
    errors.FeedbackError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.ArchiveTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ArchiveError: HTTPStatus.UNPROCESSABLE_ENTITY,
    jobs.JobNotFound: HTTPStatus.NOT_FOUND,
    jobs.IdempotencyConflict: HTTPStatus.CONFLICT,
    jobs.TooManyJobs: HTTPStatus.TOO_MANY_REQUESTS,
    jobs.JobStorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    jobs.ResultsIncomplete: HTTPStatus.CONFLICT,
    jobs.JobExpired: HTTPStatus.GONE,
    jobs.JobElsewhere: HTTPStatus.MISDIRECTED_REQUEST,
}
# The names that Django REST framework gives its errors differ from release to release; these stay.
_REST_CODES = {
    exceptions.ParseError: "malformed_request",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.PermissionDenied: "forbidden",
    exceptions.Throttled: "rate_limited",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.ValidationError: "invalid_parameter",
}


class BadRequest(errors.HarError):
    """The request lacks an image, or carries it in a way that is not understood."""

    code = "bad_request"


def problem(status: HTTPStatus, code: str, detail: str, **more: Any) -> HttpResponse:
    """Makes the response; it names the request at hand by its id.

    Args:
        status: HTTP status.
        code: Stable identifier for programs.
        detail: A sentence for people.
        more: Further members of the body.
    """
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    body |= {"request_id": ids.current.get()} | more
    return HttpResponse(json.dumps(body, ensure_ascii=False), CONTENT_TYPE, status)


def status_of(error: errors.HarError) -> HTTPStatus:
    """The HTTP status for one of the library's errors."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), HTTPStatus.BAD_REQUEST)


def handle(error: Exception, _: dict[str, Any]) -> HttpResponse:
    """Django REST framework's exception handler."""
    if isinstance(error, errors.HarError):
        return _of_ours(error)
    if isinstance(error, exceptions.APIException):
        code = _REST_CODES.get(type(error), error.default_code)
        return _with_headers(problem(HTTPStatus(error.status_code), code, _text(error.detail)), error)
    answer = next((_DJANGO_ANSWERS[kind] for kind in type(error).__mro__ if kind in _DJANGO_ANSWERS), None)
    if answer is None:
        log.exception("unexpected error", exc_info=error)
        return of_status(HTTPStatus.INTERNAL_SERVER_ERROR)
    return answer()


def too_large() -> HttpResponse:
    """413: the body is over the limit."""
    limit = settings().max_request_bytes
    return problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large", f"A request has at most {limit / 1e6:g} MB."
    )


def is_page(request: HttpRequest) -> bool:
    """Whether people look at the address with a browser, and want errors as pages, too."""
    return request.path_info.startswith("/admin/")


def handler(status: HTTPStatus, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What Django calls where no view was reached: gives the page where people look, and the problem elsewhere."""

    def answer(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if not is_page(request):
            return of_status(status)
        return page(request, exception) if exception else page(request)

    return answer


def of_status(status: HTTPStatus) -> HttpResponse:
    """The problem where no more than the status is known."""
    code, detail = _PLAIN.get(status, (status.name.lower(), f"{status.description or status.phrase}."))
    return problem(status, code, detail)


def _with_headers(response: HttpResponse, error: exceptions.APIException) -> HttpResponse:
    """Adds how to prove who one is (401), and when to come back (429)."""
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        response["WWW-Authenticate"] = error.auth_header  # type: ignore[union-attr]
    if isinstance(error, exceptions.Throttled):
        response["Retry-After"] = str(error.wait)  # type: ignore[attr-defined]
    return response


def _of_ours(error: errors.HarError) -> HttpResponse:
    more = {}
    if isinstance(error, errors.PromotionRefused):
        rows = [check.model_dump() for check in error.checks]
        more["checks"] = [row | {"detail": without_folders(row["detail"])} for row in rows]
    response = problem(status_of(error), error.code, without_folders(str(error)), **more)
    if isinstance(error, PromotionUnfinished):
        response["Retry-After"] = "1"
    return response


def _text(detail: Any) -> str:
    if isinstance(detail, dict):
        return " ".join(f"{field}: {_text(messages)}" for field, messages in detail.items())
    if isinstance(detail, list):
        return " ".join(_text(item) for item in detail)
    return str(detail)


def _too_many_images() -> HttpResponse:
    text = f"At most {settings().max_batch_images} images go into one request."
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_images", text)


def _malformed() -> HttpResponse:
    return problem(HTTPStatus.BAD_REQUEST, "malformed_request", "The request is malformed, or was cut off.")


def _nothing_here() -> HttpResponse:
    return of_status(HTTPStatus.NOT_FOUND)


def _no_database() -> HttpResponse:
    log.exception("the database cannot be used")
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, DatabaseUnreachable.code, "The database cannot be reached.")


_PLAIN = {
    HTTPStatus.BAD_REQUEST: ("bad_request", "The request is malformed, or not meant for this host."),
    HTTPStatus.FORBIDDEN: ("forbidden", "This is not allowed."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this address."),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("internal_error", "Something went wrong here; it has been logged."),
}
# What Django raises while it reads a request; the nearest base class counts.
_DJANGO_ANSWERS: dict[type[BaseException], Callable[[], HttpResponse]] = {
    RequestDataTooBig: too_large,
    TooManyFilesSent: _too_many_images,
    SuspiciousOperation: _malformed,
    UnreadablePostError: _malformed,
    RecursionError: _malformed,
    Http404: _nothing_here,
    OperationalError: _no_database,
    InterfaceError: _no_database,
}
