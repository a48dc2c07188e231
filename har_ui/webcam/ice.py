"""How a browser and the app find a way to each other."""

from typing import Any

from har_core.config import settings


def configuration() -> dict[str, Any]:
    """What both ends of a connection are given, as ``RTCConfiguration``.

    Without ICE servers, both are told so: left to themselves, they would ask a public one.
    """
    found = settings()
    return {
        "iceServers": [_server(url, found.turn_user, found.turn_secret.get_secret_value()) for url in found.ice_servers]
    }


def _server(url: str, user: str, secret: str) -> dict[str, Any]:
    return {"urls": [url], "username": user, "credential": secret} if url.startswith("turn") else {"urls": [url]}
