"""The Django app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Named in the settings."""

    name = "api_service.jobs"
