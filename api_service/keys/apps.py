"""The Django app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Named in the settings."""

    name = "api_service.keys"
