"""What happens to every request before and after its view."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from api_service.http import problems

GetResponse = Callable[[HttpRequest], HttpResponseBase]


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
