"""Which answers may be kept; the others say ``no-store``."""

from typing import TypeVar

from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.vary import vary_on_headers
from rest_framework.views import APIView

from api_service.config import settings

_View = TypeVar("_View", bound=type[APIView])


def revalidated(view: _View) -> _View:
    """Lets clients keep a view's answers if they ask each time whether these still hold, by their ``ETag``."""
    directives = {"no_cache": True} | ({"private": True} if settings().needs_key else {})
    decorators = [cache_control(**directives), vary_on_headers("Authorization")]
    return method_decorator(decorators, name="dispatch")(view)
