"""Keys of the programs that may use the API."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager

from api_service.limits.rate import Rate


class Scope(models.TextChoices):
    """What a key may be good for."""

    PREDICT = "predict"
    FEEDBACK = "feedback"
    TRAIN = "train"
    ADMIN = "admin"


def check_scopes(value: object) -> None:
    """Refuses what is no list of scopes.

    Raises:
        ValidationError: It is none.
    """
    if not isinstance(value, list) or not set(map(str, value)) <= set(Scope.values):
        raise ValidationError("It is a list of %(known)s.", params={"known": ", ".join(Scope.values)})


def check_rate(value: str) -> None:
    """Refuses what is no rate.

    Raises:
        ValidationError: It is none.
    """
    try:
        Rate.parse(value)
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


class ApiKeyManager(BaseAPIKeyManager):
    """Makes keys."""

    def assign_key(self, obj: AbstractAPIKey) -> str:
        """Gives a record its key, whose text is had from here once and never again."""
        key: str = super().assign_key(obj)
        obj.id = obj.prefix  # The package's id contains the hash, and admin pages show the id in their addresses.
        return key


class ApiKey(AbstractAPIKey):
    """A key: its prefix and its hash, never its text.

    Attributes:
        scopes: What it is good for.
        rate: How often it may be used; empty: as often as the setting says.
        last_used: When it was last used, to the minute.
    """

    objects: ClassVar[Any] = ApiKeyManager()

    scopes = models.JSONField(default=list, blank=True, validators=[check_scopes])
    rate = models.CharField(
        max_length=20, blank=True, validators=[check_rate], help_text="As 100/minute; empty: the default."
    )
    last_used = models.DateTimeField(null=True, editable=False)

    @property
    def state(self) -> str:
        """``good``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked else "expired" if self.has_expired else "good"
