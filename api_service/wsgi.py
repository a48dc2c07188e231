"""The WSGI application of the API."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api_service.settings")
application = get_wsgi_application()
# Now rather than with the first request, which would wait for a second.
import_module(settings.ROOT_URLCONF)
