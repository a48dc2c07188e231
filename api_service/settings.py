"""Django's settings. What users set comes from the environment through ``har_core.config``."""

import os
import secrets
from typing import Any

from har_core.config import settings as har

DEBUG = False
# Nothing is signed or kept in sessions; a key of its own for each start is as good as a fixed one, and never leaks.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or secrets.token_urlsafe(50)
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

ROOT_URLCONF = "api_service.urls"
WSGI_APPLICATION = "api_service.wsgi.application"
INSTALLED_APPS = ["rest_framework"]
MIDDLEWARE = [
    "api_service.http.middleware.ProblemDetails",
    "django.middleware.security.SecurityMiddleware",
    "api_service.http.middleware.BodyLimit",
    "django.middleware.common.CommonMiddleware",
]
DATABASES: dict[str, Any] = {}
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
SECURE_CONTENT_TYPE_NOSNIFF = True

# Photos stay in memory from socket to decoder: the body limit bounds them, and nothing is left behind on disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = har().max_request_bytes
DATA_UPLOAD_MAX_MEMORY_SIZE = har().max_request_bytes
DATA_UPLOAD_MAX_NUMBER_FILES = har().max_batch_images
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "api_service.http.problems.handle",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # Refused requests are answers, not incidents.
    "loggers": {"django.request": {"level": "ERROR"}, "django.security.DisallowedHost": {"level": "CRITICAL"}},
}
