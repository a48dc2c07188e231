"""Whose a request is, and whether they ask too often."""

from ipaddress import IPv4Address, IPv6Network, ip_address

from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from api_service.config import settings
from api_service.keys.models import ApiKey
from api_service.limits import services
from api_service.limits.rate import Rate


class RateLimited(Throttled):
    """More requests than are allowed."""

    default_detail = "Too many requests."
    default_code = "rate_limited"


def count(request: Request, key: ApiKey | None) -> None:
    """Counts a request for its key, or for its address where it has no good one: so guessing keys has its limit, too.

    Raises:
        RateLimited: It is one too many.
    """
    who, rate = _of_key(key) if key else _of_address(request)
    wait = services.take(who, Rate.parse(rate)) if rate else 0
    if wait:
        raise RateLimited(wait)


def _of_key(key: ApiKey) -> tuple[str, str]:
    return f"key {key.prefix}", key.rate or settings().key_rate


def _of_address(request: Request) -> tuple[str, str | None]:
    return f"address {_network(request.META.get('REMOTE_ADDR', ''))}", settings().keyless_rate


def _network(text: str) -> str:
    """The part of an address that its owner cannot change at will: of an IPv6 address, the first half."""
    try:
        address = ip_address(text)
    except ValueError:  # A Unix socket has none, and what a proxy passes on may be anything.
        return ""
    if isinstance(address, IPv4Address):
        return text
    return str(address.ipv4_mapped or IPv6Network((address.packed, 64), strict=False))
