"""Keys: made, found, revoked."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from api_service.keys.models import ApiKey

log = logging.getLogger(__name__)

_FORM = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
# Every request asks this. To have Django build it anew each time takes three times as long as to ask it.
_WITH_PREFIX = "SELECT * FROM keys_apikey WHERE prefix = %s AND NOT revoked"
_LAST_USED_EVERY = timedelta(minutes=1)


def create(name: str, scopes: Sequence[str], expires: datetime | None = None, rate: str = "") -> tuple[ApiKey, str]:
    """Makes a key.

    Returns:
        Its record, and its text, which nobody can find out again.

    Raises:
        ValidationError: It cannot be called so, or be good for that.
    """
    key = ApiKey(name=name, scopes=sorted(set(scopes)), expiry_date=expires, rate=rate)
    text = ApiKey.objects.assign_key(key)
    key.full_clean()
    key.save(force_insert=True)
    return key, text


def find(text: str) -> ApiKey | None:
    """The key with that text; None where there is none, or it has expired or was revoked."""
    form = _FORM.fullmatch(text)
    keys = ApiKey.objects.raw(_WITH_PREFIX, [form[1]]) if form else ()
    return next((key for key in keys if key.is_valid(text) and not key.has_expired), None)


def note_use(key: ApiKey) -> None:
    """Keeps when a key was last used, at most once a minute; a database that is busy keeps nobody from an answer."""
    now = timezone.now()
    if key.last_used and now - key.last_used < _LAST_USED_EVERY:
        return
    try:
        ApiKey.objects.filter(pk=key.pk).update(last_used=now)
    except DatabaseError:
        log.warning("the last use of key %s was not kept", key.prefix)


def revoke(prefix: str) -> bool:
    """Makes a key useless for good; False where there is none with that prefix."""
    return bool(ApiKey.objects.filter(prefix=prefix).update(revoked=True))
