"""What happens to every request before and after its view."""

import re
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from api_service.http import ids, logs, problems
from api_service.metrics import meters
from api_service.server import refusals

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What a browser makes of an answer that is no page: nothing.
_POLICY = "default-src 'none'; frame-ancestors 'none'"
_PART = re.compile(r"<(?:\w+:)?(\w+)>")


class Accounts:
    """Gives each request an id, and counts and logs its answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on."""
        # The front knows since when the request has been waiting for a thread.
        started, method = request.META.get("har.received") or time.perf_counter(), request.method or ""
        ids.current.set(ids.take_or_make(request.META.get("HTTP_X_REQUEST_ID")))
        logs.begin()
        with meters.IN_FLIGHT.track_inprogress():
            response = self._get_response(request)
        response.headers[ids.HEADER] = ids.current.get()
        route, seconds = _route(request), time.perf_counter() - started
        meters.answered(method, route, response.status_code, seconds)
        logs.access(request, response, method, route, seconds)
        return response


class Headers:
    """Adds what holds for every error, and for answers that say nothing else: they are not kept, and are but data."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on."""
        response = self._get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST or "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        if "html" not in response.headers.get("Content-Type", ""):
            response.headers.setdefault("Content-Security-Policy", _POLICY)
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


class Methods:
    """Answers HEAD as GET, whose content the server leaves out, and OPTIONS without asking for a key."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on."""
        if request.method == "HEAD":
            request.method = "GET"
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, arguments: Any, names: Any) -> HttpResponseBase | None:
        """Says which methods there are."""
        if request.method != "OPTIONS" or not hasattr(view, "cls"):
            return None
        found = view.cls(**view.initkwargs)
        found.setup(request, *arguments, **names)
        return HttpResponse(content_type="text/plain", headers={"Allow": ", ".join(found.allowed_methods)})


class ProblemDetails:
    """Gives HTML error pages, which Django makes where no view was reached, the API's own form."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Passes the request on and rewrites an error page."""
        response = self._get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code >= HTTPStatus.BAD_REQUEST and is_page and not problems.is_page(request):
            return problems.of_status(HTTPStatus(response.status_code))
        return response


class Refusals:
    """Answers what the front has refused; no view is reached."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Gives the problem, or passes the request on."""
        refused = refusals.found(request.META)
        if refused is None:
            return self._get_response(request)
        meters.refused(refused.code)
        response = problems.problem(refused.status, refused.code, str(refused))
        for name, value in refused.headers.items():
            response.headers[name] = value
        return response


def _route(request: HttpRequest) -> str:
    """The pattern of an address, as ``/api/v1/models/{version}``, for metrics and logs: it itself could be anything."""
    match = request.resolver_match
    return _template(match.route) if match else "unknown"


@lru_cache(maxsize=256)
def _template(route: str) -> str:
    return "/" + _PART.sub(r"{\1}", route)
