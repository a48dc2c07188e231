"""Who may ask for what."""

from urllib.parse import urlsplit

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class NotFromOtherSites(BasePermission):
    """Refuses what a page of another site has a visitor's browser send; programs are no browsers, and pass."""

    message = "A page of another site cannot send this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the browser says that one of our own pages, or its user, asks; or says nothing of the kind."""
        del view
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("Origin")  # Of browsers that do not send the former.
        return origin is None or urlsplit(origin).netloc == request.get_host()
