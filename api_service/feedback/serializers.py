"""What a client may say of an answer."""

from typing import Any

from rest_framework import serializers


class FeedbackSerializer(serializers.Serializer[None]):
    """Right, or wrong and what it is."""

    verdict = serializers.ChoiceField(choices=["right", "wrong"])
    label = serializers.CharField(required=False, max_length=1000, trim_whitespace=False)  # type: ignore[assignment]
    prediction_id = serializers.CharField(required=False, max_length=100)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A wrong answer needs its right label, a right one has it."""
        if (attrs["verdict"] == "wrong") != ("label" in attrs):
            raise serializers.ValidationError("Send the right label with “wrong”, and none with “right”.")
        return attrs
