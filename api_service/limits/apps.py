"""The Django app."""

from django.apps import AppConfig


class LimitsConfig(AppConfig):
    """Named in the settings."""

    name = "api_service.limits"
