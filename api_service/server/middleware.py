"""Where Django learns of a refusal."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from api_service.http import problems
from api_service.metrics import meters
from api_service.server import refusals


class Refusals:
    """Answers what the front has refused; no view is reached."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Gives the problem, or passes the request on."""
        refused = refusals.found(request.META)
        if refused is None:
            return self._get_response(request)
        meters.refused(refused.code)
        response = problems.problem(refused.status, refused.code, refused.detail)
        for name, value in refused.headers.items():
            response[name] = value
        return response
