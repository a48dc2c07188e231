"""What is asked and said of the model in service."""

from typing import Any

from rest_framework import serializers

from api_service.http.serializers import Words


class RollbackSerializer(serializers.Serializer[None]):
    """What a way back is for."""

    why = serializers.CharField(
        default="", allow_blank=True, max_length=500, help_text="What for, in words; the history keeps it."
    )


class PromotionSerializer(RollbackSerializer):
    """Which model is to be put in service."""

    model = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,63}@[1-9][0-9]{0,8}\Z", help_text="NAME@VERSION, for example everyday@3."
    )
    override = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=500,
        help_text="A reason to do it although a check fails; damaged files and wrong answers it does not override.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    """Something that was examined."""

    name = serializers.CharField(help_text="files, golden, parity, figures or latency.")
    title = serializers.CharField(help_text="What is asked for, in a few words.")
    passed = serializers.BooleanField()
    detail = Words(help_text="What was found, in a sentence.")
    is_final = serializers.BooleanField(help_text="Whether no reason can override it.")


class HistoryEntrySerializer(serializers.Serializer[Any]):
    """A change of the model in service."""

    id = serializers.IntegerField(help_text="Counts up from 1.")
    action = serializers.ChoiceField(choices=["promote", "rollback"])
    model = serializers.CharField(help_text="The one in service from then on, NAME@VERSION.")
    before = serializers.CharField(help_text="The one until then; empty where there was none.")
    who = serializers.CharField(help_text="Who asked for it; over the API, the key's name and prefix.")
    when = serializers.CharField(help_text="ISO 8601, UTC.")
    why = serializers.CharField(help_text="What for; may be empty.")
    override = serializers.CharField(help_text="The reason why a failed check did not count; empty where none failed.")
    checks = CheckSerializer(many=True)


class HistorySerializer(serializers.Serializer[Any]):
    """What was in service, and how it came to be."""

    results = HistoryEntrySerializer(many=True, help_text="Newest first.")
