"""What the probes are told."""

from rest_framework import serializers

from api_service.models.serializers import ModelReferenceSerializer


class HealthSerializer(serializers.Serializer[None]):
    """The process is up."""

    status = serializers.ChoiceField(choices=["ok"])


class ReadinessSerializer(serializers.Serializer[None]):
    """The process can classify photos."""

    status = serializers.ChoiceField(choices=["ready"])
    model = ModelReferenceSerializer(help_text="Which model answers.")
