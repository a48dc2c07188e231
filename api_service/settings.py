"""Django's settings. What users set comes through ``har_core.config`` and ``api_service.config``."""

from typing import Any

import dj_database_url

from api_service import secret
from api_service.config import settings as api
from api_service.documentation.settings import SPECTACULAR_SETTINGS  # noqa: F401 - Django reads it
from api_service.http import logs
from har_core.config import settings as har

DEBUG = api().debug
SECRET_KEY = api().secret_key.get_secret_value() or secret.of_this_machine()
ALLOWED_HOSTS = list(api().allowed_hosts)

ROOT_URLCONF = "api_service.urls"
WSGI_APPLICATION = "api_service.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "api_service.documentation",
    "api_service.keys",
    "api_service.limits",
    "api_service.jobs",
]
MIDDLEWARE = [
    "api_service.http.middleware.Accounts",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "api_service.http.middleware.Methods",
    "django.middleware.http.ConditionalGetMiddleware",
    "api_service.http.middleware.Headers",
    "api_service.http.middleware.ProblemDetails",
    "api_service.http.middleware.Refusals",
    "django.middleware.common.CommonMiddleware",
    # For the admin pages.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_sqlite: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": har().home / "api.db",
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        # Readers and a writer at the same time; who writes waits for its turn instead of failing half way.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    },
}
_url = api().database_url.get_secret_value()
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(_url, conn_max_age=600, conn_health_checks=True) if _url else _sqlite,
}
# The administration shows a new key in a message: it is to be in no session, which the database keeps.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
# Static files are served from the packages that bring them: nothing has to be collected first.
WHITENOISE_USE_FINDERS = True

APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
SECURE_CONTENT_TYPE_NOSNIFF = True

CORS_ALLOW_ALL_ORIGINS = "*" in api().cors_origins
CORS_ALLOWED_ORIGINS = [origin for origin in api().cors_origins if origin != "*"]
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id"]
CORS_EXPOSE_HEADERS = ["ETag", "Job-State", "Location", "Retry-After", "Server-Timing", "X-Request-ID"]

# Photos stay in memory from socket to decoder: the body limit bounds them, and nothing is left behind on disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = har().max_request_bytes
DATA_UPLOAD_MAX_MEMORY_SIZE = har().max_request_bytes
DATA_UPLOAD_MAX_NUMBER_FILES = har().max_batch_images
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api_service.keys.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api_service.keys.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # By the header Accept alone.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "api_service.documentation.openapi.Schema",
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "api_service.http.problems.handle",
}

LOGGING = logs.CONFIG
