"""What a client may ask for, and what it is told."""

from rest_framework import serializers

from api_service.models.serializers import ModelReferenceSerializer


class OptionsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The query parameters of ``POST predictions``."""

    top_k = serializers.IntegerField(default=3, min_value=1, max_value=100, help_text="How many labels are told.")
    explain = serializers.BooleanField(default=False, help_text="Whether to tell where the model looked.")


class ScoreSerializer(serializers.Serializer[None]):
    """A label with its calibrated probability."""

    label = serializers.CharField()  # type: ignore[assignment]
    score = serializers.FloatField(min_value=0, max_value=1, help_text="Calibrated probability.")


class ExplanationSerializer(serializers.Serializer[None]):
    """Where the model looked."""

    label = serializers.CharField(help_text="The label that this is about: the best one.")  # type: ignore[assignment]
    heat_map = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(min_value=0, max_value=1)),
        help_text="What each part of the photo contributed, rows from top to bottom; the most is 1.",
    )
    overlay = serializers.CharField(help_text="The photo with the map upon it, as a data URL (JPEG).")


class PredictionSerializer(serializers.Serializer[None]):
    """The answer for one photo."""

    id = serializers.UUIDField(help_text="By which feedback can name this answer for the next minutes.")
    label = serializers.CharField(help_text="The best label.")  # type: ignore[assignment]
    confidence = serializers.FloatField(min_value=0, max_value=1, help_text="Its calibrated probability.")
    decision = serializers.ChoiceField(
        choices=["sure", "unsure"],
        help_text="`sure`: probable enough, and the photo is like those that the model knows; else `unsure`.",
    )
    predictions = ScoreSerializer(many=True, help_text="The best labels, best first.")
    model = ModelReferenceSerializer(help_text="Which model gave the answer.")
    timing_ms = serializers.FloatField(min_value=0, help_text="Milliseconds for decoding and classifying.")
    explanation = ExplanationSerializer(required=False, help_text="Where it was asked for.")


class FailureSerializer(serializers.Serializer[None]):
    """Why there is no answer for a photo."""

    code = serializers.CharField(help_text="As in a problem.")
    message = serializers.CharField(help_text="A sentence for people.")


class FailedPredictionSerializer(serializers.Serializer[None]):
    """A photo among many that has no answer."""

    error = FailureSerializer()
