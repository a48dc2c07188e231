"""What a client may ask for."""

from rest_framework import serializers


class OptionsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The query parameters of ``POST predictions``."""

    top_k = serializers.IntegerField(default=3, min_value=1, max_value=100)
    explain = serializers.BooleanField(default=False)
