"""What clients may say of answers, what reviewers may say of that, and what is told of it."""

from typing import Any

from rest_framework import serializers

from api_service.http.serializers import ListQuery
from har_core.feedback import Entry

_STATUSES = ["new", "accepted", "discarded", "added"]


def _label(**options: Any) -> serializers.CharField:
    """A label as somebody types it; what it is to be is for the library to say."""
    return serializers.CharField(required=False, max_length=1000, trim_whitespace=False, **options)


class FeedbackSerializer(serializers.Serializer[None]):
    """Right, or wrong and what it is."""

    verdict = serializers.ChoiceField(choices=["right", "wrong"], help_text="Of the model's answer.")
    label = _label(help_text="What is being done, where the answer is wrong.")  # type: ignore[assignment]
    prediction_id = serializers.CharField(
        required=False, max_length=100, help_text="The id of an answer of the last minutes, in place of the photo."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A wrong answer needs its right label, a right one has it."""
        if (attrs["verdict"] == "wrong") != ("label" in attrs):
            raise serializers.ValidationError("Send the right label with “wrong”, and none with “right”.")
        return attrs


class FeedbackQuery(ListQuery):
    """Which entries are wanted."""

    status = serializers.ChoiceField(choices=_STATUSES, default="new", help_text="new: those that wait for review.")


class ReviewSerializer(serializers.Serializer[None]):
    """What a reviewer finds."""

    status = serializers.ChoiceField(
        choices=["accepted", "discarded"],
        help_text="accepted: an example to learn from. discarded: the photo is deleted.",
    )
    label = _label(help_text="The right label, where the person's is wrong.")  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What is thrown away needs no label."""
        if attrs["status"] == "discarded" and "label" in attrs:
            raise serializers.ValidationError("Send a label with “accepted” only.")
        return attrs


class FeedbackEntrySerializer(serializers.Serializer[Entry]):
    """What a person said of one photo, and what became of it."""

    photo = serializers.CharField(help_text="SHA-256 of the photo's bytes as they were sent: the entry's name.")
    verdict = serializers.ChoiceField(choices=["right", "wrong"], help_text="Of the model's answer.")
    label = serializers.CharField(help_text="What the person says is being done.")  # type: ignore[assignment]
    predicted = serializers.CharField(help_text="What the model said.")
    confidence = serializers.FloatField(help_text="With which probability.")
    decision = serializers.ChoiceField(choices=["sure", "unsure"])
    model = serializers.CharField(help_text="Which model, NAME@VERSION.")
    prediction_id = serializers.CharField(help_text="Of the answer; empty where the photo was sent.")
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="Where it was said: app, api, or api/PREFIX with that of the key."
    )
    time = serializers.CharField(help_text="When, ISO 8601, UTC.")
    status = serializers.ChoiceField(choices=_STATUSES, help_text="added: a dataset has the photo.")
    reviewed_label = serializers.CharField(allow_null=True, help_text="The label that the reviewer found right.")
    reviewed = serializers.CharField(allow_null=True, help_text="When, ISO 8601, UTC.")
    dataset = serializers.CharField(allow_null=True, help_text="Which dataset it was added to.")


class FeedbackEntriesSerializer(serializers.Serializer[Any]):
    """Entries of one status."""

    total = serializers.IntegerField(help_text="How many there are, of which some may have been left out.")
    results = FeedbackEntrySerializer(
        many=True, help_text="Of new ones, those first of which the model was least sure."
    )
