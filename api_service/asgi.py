"""The application that gunicorn serves; see ``api_service.server.front``."""

from api_service.server.front import Front
from api_service.wsgi import application as django
from har_core.config import settings


def _most_bytes(path: str) -> int:
    del path
    return settings().max_request_bytes


application = Front(django, _most_bytes, settings().home / "incoming")
