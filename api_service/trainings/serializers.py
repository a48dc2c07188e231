"""What is asked and said of trainings and of what they learn from."""

from typing import Any

from rest_framework import serializers

from api_service.http.serializers import Number, Words
from api_service.models.serializers import MetricSerializer
from training import recipe

_STATES = ["queued", "running", "done", "failed", "cancelled", "interrupted"]


class NewTrainingSerializer(serializers.Serializer[None]):
    """A recipe by name: a path would have the server read files of its own."""

    recipe = serializers.ChoiceField(choices=recipe.presets(), help_text="How to train.")
    dataset = serializers.CharField(max_length=64, help_text="The name of one that GET datasets lists.")
    changes = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=100,
        default=list,
        help_text="Changes to the recipe, KEY=VALUE each, for example optimizer.batch_size=32.",
    )


class TrainingSerializer(serializers.Serializer[Any]):
    """A training."""

    run = serializers.CharField(help_text="Its name.")
    state = serializers.ChoiceField(choices=_STATES, help_text="interrupted: its process is gone; it can be resumed.")
    position = serializers.IntegerField(allow_null=True, help_text="In the queue, from 1; null: it does not wait.")
    dataset = serializers.CharField(help_text="What it learns from.")
    model = serializers.CharField(help_text="The name of the model that it makes.")
    bundle = serializers.CharField(allow_null=True, help_text="That model, NAME@VERSION, once it is made.")
    metrics = serializers.DictField(child=MetricSerializer(), help_text="Figures on the test split, once it is done.")
    message = Words(help_text="What went wrong, and what to do; empty where nothing did.")


class TrainingsSerializer(serializers.Serializer[Any]):
    """Trainings."""

    results = TrainingSerializer(many=True, help_text="Newest first.")


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a training is."""

    done = serializers.IntegerField(help_text="Steps done, of what is being done now.")
    total = serializers.IntegerField(help_text="Steps in all.")
    what = serializers.CharField(help_text="What is being done, in a few words.")
    epoch = serializers.IntegerField(allow_null=True, help_text="The one under way; null outside fine-tuning.")
    epochs = serializers.IntegerField(allow_null=True, help_text="Epochs in all.")
    seconds_left = Number(allow_null=True, help_text="Of fine-tuning; null where that is not known.")


class EpochSerializer(serializers.Serializer[Any]):
    """The figures at the end of an epoch; those named val_ are of the validation split."""

    epoch = serializers.IntegerField(help_text="Counted from 1; 0 is the head alone.")
    phase = serializers.IntegerField(help_text="Counted from 1; 0 is the head alone.")
    loss = Number(allow_null=True)
    accuracy = Number(allow_null=True)
    val_loss = Number(allow_null=True)
    val_accuracy = Number(allow_null=True)
    val_macro_f1 = Number(allow_null=True)
    learning_rate = Number(allow_null=True, help_text="At its end.")
    seconds = Number(allow_null=True, help_text="That it took.")
    photos = serializers.IntegerField(help_text="That it was trained on.")
    recall = serializers.DictField(
        child=Number(allow_null=True),
        help_text="Label → share of its validation photos that were recognised.",
    )
    best = serializers.BooleanField(help_text="Whether it is the best so far.")


class TrainingDetailsSerializer(TrainingSerializer):
    """All that is known of a training."""

    recipe = serializers.DictField(help_text="How it trains, in full.")
    progress = ProgressSerializer(allow_null=True, help_text="null before it says so.")
    epochs = EpochSerializer(many=True)


class LogSerializer(serializers.Serializer[Any]):
    """What a training printed."""

    lines = serializers.ListField(child=Words(), help_text="The last lines, oldest first.")


class DatasetSerializer(serializers.Serializer[Any]):
    """What can be trained on."""

    name = serializers.CharField()
    created = serializers.CharField(help_text="ISO 8601.")
    images = serializers.IntegerField(help_text="Photos, without those that are excluded.")
    unlabelled = serializers.IntegerField(help_text="How many of them have no label.")
    splits = serializers.DictField(
        child=serializers.IntegerField(), help_text="Photos of train, val and test; those of none of them are left out."
    )
    labels = serializers.DictField(child=serializers.IntegerField(), help_text="Label → photos.")


class DatasetsSerializer(serializers.Serializer[Any]):
    """The datasets here."""

    results = DatasetSerializer(many=True, help_text="By name; damaged ones are left out.")
