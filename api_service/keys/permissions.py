"""Who may ask for what."""

from typing import TYPE_CHECKING, cast

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from api_service.config import settings
from api_service.keys.models import ApiKey, Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView  # Which imports the default permission itself.


class KeyMissing(NotAuthenticated):
    """The API needs a key, and the request has none."""

    default_detail = "Send a key, as the header “Authorization: Bearer KEY”."
    default_code = "key_missing"


class ScopeMissing(PermissionDenied):
    """The key is not good for this."""

    default_code = "scope_missing"


class HasScope(BasePermission):
    """Lets those pass whose key has the view's scope.

    A view says which: ``scope``, or ``scopes`` by method where they differ. None is any key. Where the API is open,
    requests without a key pass, unless a page of another site has a visitor's browser send them.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether the request may be answered.

        Raises:
            KeyMissing: It has no key, and needs one.
            ScopeMissing: Its key lacks the scope.
            PermissionDenied: A page of another site has it sent.
        """
        key = key_in(request)
        if key is not None:
            _require_scope(key, _scope(request, view))
        elif settings().needs_key:
            raise KeyMissing
        elif request.method not in SAFE_METHODS and _from_another_site(request):
            raise PermissionDenied("A page of another site cannot send this without a key.")
        return True


def key_in(request: Request) -> ApiKey | None:
    """The key that a request was sent with."""
    return cast("ApiKey | None", request.auth)


def is_admin(request: Request) -> bool:
    """Whether a request may see what is others': with the scope ``admin``, and without a key where none is needed."""
    key = key_in(request)
    return key is None or Scope.ADMIN in key.scopes


def _require_scope(key: ApiKey, scope: str | None) -> None:
    if scope and scope not in key.scopes:
        raise ScopeMissing(f"This needs a key with the scope “{scope}”.")


def _scope(request: Request, view: "APIView") -> str | None:
    method = "GET" if request.method == "HEAD" else request.method
    if method == "OPTIONS" or method not in view.allowed_methods:
        return None
    return view.scopes[method] if hasattr(view, "scopes") else view.scope  # type: ignore[attr-defined]


def _from_another_site(request: Request) -> bool:
    """Whether a browser says that a page of neither ours nor a site we trust asks. Programs say nothing of the kind."""
    origin = request.headers.get("Origin")
    if origin in settings().cors_origins:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    # Of browsers that do not send the former.
    return origin is not None and origin.partition("://")[2] != request.get_host()
