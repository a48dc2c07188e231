"""The patterns of addresses, for metrics and logs: an address itself could be anything."""

import re
from functools import lru_cache

from django.http import HttpRequest

UNKNOWN = "unknown"

_PART = re.compile(r"<(?:\w+:)?(\w+)>")


def of(request: HttpRequest) -> str:
    """The pattern of the address that was asked for, as ``/api/v1/models/{version}``."""
    match = request.resolver_match
    return _template(match.route) if match else UNKNOWN


@lru_cache(maxsize=256)
def _template(route: str) -> str:
    return "/" + _PART.sub(r"{\1}", route)
