"""What happens to every request before and after its view."""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError

from api_service.http import problems
from har_core.config import settings

_CHUNK = 65_536

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class BodyLimit:
    """Refuses a body by its announced length, before any of it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answers 411 or 413, or passes the request on."""
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            return problems.problem(
                HTTPStatus.LENGTH_REQUIRED, "length_required", "Send the body with its Content-Length, not in chunks."
            )
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings().max_request_bytes:
            return problems.too_large()
        response = self._get_response(request)
        _drain(request)
        return response


def _drain(request: HttpRequest) -> None:
    """Reads what no view wanted of a body: else the server closes a connection that the client goes on to use."""
    with suppress(UnreadablePostError):
        while request.read(_CHUNK):
            pass


class ProblemDetails:
    """Gives HTML error pages, which Django makes where no view was reached, the API's own form."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on and rewrites an error page."""
        response = self._get_response(request)
        is_page = isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html")
        if response.status_code >= 500 and is_page:
            return problems.server_error(request)
        if response.status_code >= 400 and is_page:
            return problems.bad_request(request, Exception())
        return response
