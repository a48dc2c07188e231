"""What is said of models."""

from typing import Any

from rest_framework import serializers

from api_service.http.serializers import Number


class MetricSerializer(serializers.Serializer[Any]):
    """A figure with its 95 % interval."""

    value = Number(allow_null=True)
    low = Number(allow_null=True, help_text="Lower end of the interval.")
    high = Number(allow_null=True, help_text="Upper end of the interval.")


class OutliersSerializer(serializers.Serializer[Any]):
    """Figures on photos that show none of the labels."""

    dataset = serializers.CharField(help_text="Its name.")
    n = serializers.IntegerField(help_text="Number of photos.")
    unsure_share = MetricSerializer(help_text="Share of them whose answer is unsure.")
    auroc = MetricSerializer(help_text="How well the model tells them from photos of its labels.")


class EvaluationSerializer(serializers.Serializer[Any]):
    """Figures on photos that the model was not trained on."""

    split = serializers.CharField(help_text="Which part of the dataset.")
    n = serializers.IntegerField(help_text="Number of photos.")
    metrics = serializers.DictField(
        child=MetricSerializer(), help_text="By name: accuracy, macro_f1, ece, sure_share, sure_accuracy."
    )
    outliers = OutliersSerializer(allow_null=True, help_text="null where there were no such photos.")


class ThresholdsSerializer(serializers.Serializer[Any]):
    """When an answer counts as sure."""

    confidence = serializers.FloatField(help_text="Lowest probability of the best label.")
    precision = serializers.FloatField(help_text="Share of right answers among sure ones that it was chosen for.")
    energy = Number(allow_null=True, help_text="Lowest energy of a photo that is familiar enough; null: any is.")


class ModelSerializer(serializers.Serializer[Any]):
    """A model, as a list has it."""

    name = serializers.CharField(help_text="For example everyday.")
    version = serializers.IntegerField(help_text="Counts up from 1.")
    label_count = serializers.IntegerField(help_text="How many labels it knows.")
    input_size = serializers.IntegerField(help_text="Side of the square that a photo is brought to, pixels.")
    created = serializers.CharField(help_text="ISO 8601.")
    size = serializers.IntegerField(help_text="Bytes of all its files.")
    in_service = serializers.BooleanField(help_text="Whether it is the one that answers.")
    evaluation = EvaluationSerializer()


class ModelsSerializer(serializers.Serializer[Any]):
    """All models."""

    results = ModelSerializer(many=True, help_text="By name, newest version first.")


class ModelDetailsSerializer(ModelSerializer):
    """All that is known of a model."""

    labels = serializers.ListField(child=serializers.CharField(), help_text="In the order of the network's outputs.")
    thresholds = ThresholdsSerializer()
    precision = serializers.CharField(help_text="Of the network that serves: float32, float16 or int8.")
    recipe = serializers.DictField(help_text="How it was trained.")
    dataset = serializers.DictField(help_text="What it was trained on: name, fingerprint, photos of each split.")
    run = serializers.CharField(allow_blank=True, help_text="The training that made it; may be empty.")
    code_revision = serializers.CharField()
    card = serializers.CharField(help_text="The model card, Markdown.")


class ModelReferenceSerializer(serializers.Serializer[Any]):
    """Which model."""

    name = serializers.CharField()
    version = serializers.IntegerField()


class LabelsSerializer(serializers.Serializer[Any]):
    """The labels of the model in service."""

    labels = serializers.ListField(child=serializers.CharField(), help_text="In the order of the network's outputs.")
    model = ModelReferenceSerializer()
