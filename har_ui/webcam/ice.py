"""How a browser and the app find a way to each other."""

import base64
import hmac
import time
from typing import Any

from har_core.config import settings

_HOUR = 3600


def configuration() -> dict[str, Any]:
    """What both ends of a connection are given, as ``RTCConfiguration``.

    Without ICE servers, both are told so: left to themselves, they would ask a public one. TURN servers get a user and
    a password that expire after one to two hours, so that the secret itself never reaches a browser ("A REST API For
    Access To TURN Services", https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00; coturn's
    ``use-auth-secret``).
    """
    found = settings()
    user, password = _expiring(found.turn_user, found.turn_secret.get_secret_value())
    return {
        "iceServers": [
            {"urls": [url], "username": user, "credential": password} if url.startswith("turn") else {"urls": [url]}
            for url in found.ice_servers
        ]
    }


def _expiring(user: str, secret: str) -> tuple[str, str]:
    """The same within an hour: a stream is not to begin anew because its page was drawn anew."""
    name = f"{(int(time.time()) // _HOUR + 2) * _HOUR}:{user}"
    digest = hmac.digest(secret.encode(), name.encode(), "sha1")
    return name, base64.b64encode(digest).decode()
