"""What requests for lists, and figures and texts in answers, have in common."""

import math
from typing import Any

from rest_framework import serializers

from api_service.http.paths import without_folders


def valid(kind: type[serializers.Serializer[None]], data: Any) -> dict[str, Any]:
    """What a request says, as the serializer understands it.

    Raises:
        ValidationError: It cannot be said.
    """
    found = kind(data=data)
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)


class ListQuery(serializers.Serializer[None]):
    """The query parameters of a list."""

    limit = serializers.IntegerField(default=100, min_value=1, max_value=1000, help_text="Most entries to be given.")


class Words(serializers.CharField):
    """What a part of the library says, which may name files."""

    def to_representation(self, value: Any) -> str:
        """The text, without where the files lie."""
        return without_folders(super().to_representation(value))


class Number(serializers.FloatField):
    """A figure, which may be none: what JSON cannot say, as after a division by zero, is null."""

    def to_representation(self, value: Any) -> Any:
        """The figure, or None."""
        number = float(value)
        return number if math.isfinite(number) else None
