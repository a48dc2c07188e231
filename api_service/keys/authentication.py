"""``Authorization: Bearer PREFIX.SECRET`` → the key's record as ``request.auth``."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api_service.keys import services
from api_service.keys.models import ApiKey
from api_service.limits.requests import count

_SCHEME = "bearer "


class KeyInvalid(AuthenticationFailed):
    """A key was sent, and is none of ours, or not any more."""

    default_detail = "The key is unknown, has expired or was revoked."
    default_code = "key_invalid"


class KeyAuthentication(BaseAuthentication):
    """Finds out whose request it is, and counts it."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """The key that a request brings; None where it brings none.

        Raises:
            KeyInvalid: It is none of ours, or not any more.
            RateLimited: There were too many requests.
        """
        authorization = request.headers.get("Authorization", "")
        is_sent = authorization.lower().startswith(_SCHEME)
        key = key_of(authorization)
        count(request, key)
        if key is None and is_sent:
            raise KeyInvalid
        if key is None:
            return None
        services.note_use(key)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        """What an answer with 401 says of how to ask."""
        del request
        return "Bearer"


def key_of(authorization: str) -> ApiKey | None:
    """The key in a header; None where there is none, or none of ours."""
    scheme, text = authorization[: len(_SCHEME)], authorization[len(_SCHEME) :]
    return services.find(text.strip()) if scheme.lower() == _SCHEME else None
