"""The application that gunicorn serves; see ``api_service.server.front``."""

from api_service.jobs import limits
from api_service.server.front import Front
from api_service.wsgi import application as django
from har_core.config import settings


def _most_bytes(path: str) -> int:
    if path == limits.PATH:
        return limits.max_body_bytes()
    return settings().max_request_bytes


application = Front(django, _most_bytes, settings().home / "incoming")
