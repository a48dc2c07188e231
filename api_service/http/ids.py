"""The id by which a request is found in its answer and in the logs."""

import re
import uuid
from contextvars import ContextVar

HEADER = "X-Request-ID"

current: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that this thread answers, or answered last; empty before any."""

_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}")


def take_or_make(sent: str | None) -> str:
    """The id that a client or a proxy gave to its request; a new one where there is none, or none that is harmless."""
    return sent if sent and _HARMLESS.fullmatch(sent) else uuid.uuid4().hex
