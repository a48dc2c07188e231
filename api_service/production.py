"""Django's settings for an API that others reach; ``DJANGO_SETTINGS_MODULE=api_service.production``.

They refuse to start with what is fit for one's own machine alone.
"""

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

from api_service.config import LOCAL_NAMES
from api_service.config import settings as api
from api_service.settings import *  # noqa: F403
from api_service.settings import ALLOWED_HOSTS, DEBUG, SECRET_KEY

_SECRET_LENGTH = 50


def _faults() -> Iterator[str]:
    if api().auth != "required":
        yield "HAR_API_AUTH has to be “required”: whoever reaches the API could do everything otherwise."
    if not api().secret_key.get_secret_value():
        yield "DJANGO_SECRET_KEY is missing: the same random text for all hosts, of at least 50 characters."
    elif len(SECRET_KEY) < _SECRET_LENGTH or len(set(SECRET_KEY)) < 5 or SECRET_KEY.startswith("django-insecure-"):
        yield "DJANGO_SECRET_KEY can be guessed: take a random text of at least 50 characters."
    if DEBUG:
        yield "DJANGO_DEBUG has to be off: error pages would show settings and source code."
    if LOCAL_NAMES.issuperset(ALLOWED_HOSTS) or "*" in ALLOWED_HOSTS:
        yield "DJANGO_ALLOWED_HOSTS has to name the hosts by which the API is reached, as api.example.org."


if faults := list(_faults()):
    raise ImproperlyConfigured(" ".join(faults))

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600
# TLS ends at a proxy: it is there that plain HTTP is turned away, since the API cannot tell a probe from a key that has
# been sent in the open. Whether HSTS holds for other hosts of the domain is their owner's to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
