"""Logs: JSON, a line an event, on stderr. gunicorn's own go the same way.

There is nothing in them of photos, keys, queries or file names. JSON escapes line breaks, so nobody can forge a line.
"""

import logging
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from pythonjsonlogger.core import RESERVED_ATTRS

from api_service.http import ids

log = logging.getLogger("api_service.access")

_LONGEST = 200

_notes: ContextVar[dict[str, Any]] = ContextVar("notes")


class RequestId(logging.Filter):
    """Adds to each line which request it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every line pass."""
        record.request_id = ids.current.get() or None
        return True


class Causes(logging.Filter):
    """Leaves out what Django says of each answer from 500 on: the line about the request says that already."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets lines with a traceback pass."""
        return record.exc_info is not None


def begin() -> None:
    """Starts the notes of a request."""
    _notes.set({})


def note(**facts: Any) -> None:
    """Adds to the line that will be written about the request at hand."""
    _notes.get({}).update(facts)


def access(request: HttpRequest, response: HttpResponseBase, method: str, route: str, seconds: float) -> None:
    """Writes the line about a request.

    Args:
        request: The request.
        response: Its answer.
        method: As it was sent.
        route: The pattern of its address.
        seconds: How long the answer took.
    """
    meta = request.META
    path = request.path[:_LONGEST]
    facts = {
        "method": method,
        "route": route,
        "path": path,
        "status": response.status_code,
        "ms": round(seconds * 1e3, 2),
        "bytes_in": int(meta.get("CONTENT_LENGTH") or 0),
        "bytes_out": len(response.content) if isinstance(response, HttpResponse) else None,
        "client": meta.get("REMOTE_ADDR"),
        "key": getattr(getattr(request, "auth", None), "prefix", None),
        "user_agent": meta.get("HTTP_USER_AGENT", "")[:_LONGEST],
    }
    log.info("%s %s %d", method, path, response.status_code, extra=facts | _notes.get({}))


_PASSED_ON: dict[str, Any] = {"level": "INFO", "handlers": [], "propagate": True}

CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "api_service.http.logs.RequestId"},
        "causes": {"()": "api_service.http.logs.Causes"},
    },
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": ["levelname", "name", "message", "request_id"],
            "rename_fields": {"levelname": "level", "name": "logger"},
            "timestamp": "time",
            # Django attaches its requests, which would be shown with their queries; uvicorn its messages, coloured.
            "reserved_attrs": [*RESERVED_ATTRS, "request", "color_message"],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": _PASSED_ON,
        "uvicorn.error": _PASSED_ON,
        # Refused requests are answers, not incidents.
        "django.request": {"level": "ERROR", "filters": ["causes"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
