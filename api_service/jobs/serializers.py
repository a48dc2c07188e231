"""What is asked and said of jobs."""

from typing import Any

from rest_framework import serializers

from api_service.http.serializers import Words
from api_service.jobs.models import State


class OptionsSerializer(serializers.Serializer[None]):
    """What a client may ask of a job."""

    top_k = serializers.IntegerField(default=3, min_value=1, max_value=100, help_text="How many labels are told.")


class IdempotencySerializer(serializers.Serializer[None]):
    """What a client calls a job."""

    idempotency_key = serializers.CharField(
        required=False,
        max_length=255,
        help_text="Whatever names this job for the client, a UUID for example: sent again, the same job is given.",
    )


class ResultsQuery(serializers.Serializer[None]):
    """The query parameters of a job's results."""

    partial = serializers.BooleanField(  # type: ignore[assignment]
        default=False, help_text="Take the rows that there are, where they are not those of all photos."
    )


class ImageCountsSerializer(serializers.Serializer[Any]):
    """How many photos."""

    total = serializers.IntegerField(help_text="Photos in the job.")
    done = serializers.IntegerField(help_text="Rows so far.")
    failed = serializers.IntegerField(help_text="Rows among them that hold an error.")
    skipped = serializers.IntegerField(help_text="Files of the zip that were passed over: they are no photos.")


class JobErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed."""

    code = serializers.CharField(help_text="For programs.")
    message = Words(help_text="For people.")


class JobSerializer(serializers.Serializer[Any]):
    """A job."""

    id = serializers.UUIDField(help_text="Its name.")
    state = serializers.ChoiceField(choices=State.values, help_text="expired: its results were removed.")
    position = serializers.IntegerField(allow_null=True, help_text="In the queue, from 1; null: it does not wait.")
    model = serializers.CharField(allow_null=True, help_text="The one that answers, NAME@VERSION, once it runs.")
    top_k = serializers.IntegerField(help_text="How many labels are told.")
    images = ImageCountsSerializer(help_text="How many photos.")
    created = serializers.DateTimeField(help_text="When it was sent.")
    started = serializers.DateTimeField(allow_null=True, help_text="When it was begun.")
    finished = serializers.DateTimeField(allow_null=True, help_text="When it ended, however it did.")
    expires = serializers.DateTimeField(allow_null=True, help_text="When its results are removed, once it has ended.")
    seconds = serializers.FloatField(allow_null=True, help_text="From its start to its end, or until now.")
    images_per_second = serializers.FloatField(allow_null=True, help_text="How fast it is, or was.")
    remaining_seconds = serializers.FloatField(allow_null=True, help_text="What is left at that speed, while it runs.")
    error = JobErrorSerializer(allow_null=True, help_text="Why it failed.")
    results = serializers.CharField(help_text="The address of its results.")


class JobsSerializer(serializers.Serializer[Any]):
    """Jobs."""

    results = JobSerializer(many=True, help_text="Newest first.")
