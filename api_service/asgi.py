"""The application that gunicorn serves; see ``api_service.server.front``."""

from api_service.config import settings
from api_service.server.front import Front
from api_service.wsgi import application as django
from har_core.config import settings as har


def _most_bytes(path: str) -> int:
    return settings().max_job_bytes if path == "/api/v1/jobs" else har().max_request_bytes


def _may_send_much(authorization: str) -> bool:
    from api_service.keys.authentication import key_of  # noqa: PLC0415 - models are there only once Django is set up

    return not settings().needs_key or key_of(authorization) is not None


application = Front(django, har().home / "incoming", _most_bytes, _may_send_much)
