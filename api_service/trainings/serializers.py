"""What a request for a training may say."""

from rest_framework import serializers

from training import recipe


class TrainingSerializer(serializers.Serializer[None]):
    """A recipe by name: a path would have the server read files of its own."""

    recipe = serializers.ChoiceField(choices=recipe.presets())
    dataset = serializers.CharField(max_length=64)
    changes = serializers.ListField(child=serializers.CharField(max_length=200), max_length=100, default=list)
