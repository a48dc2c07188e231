"""The one shape of all errors."""

from rest_framework import serializers

from api_service.promotions.serializers import CheckSerializer


class ProblemSerializer(serializers.Serializer[None]):
    """What went wrong (RFC 9457). Programs go by `code`; it stays, while the words may change."""

    type = serializers.CharField(help_text="Always `about:blank`: `code` says what it is.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField(min_value=400, max_value=599, help_text="The HTTP status once more.")
    code = serializers.CharField(help_text="What went wrong, for programs.")
    detail = serializers.CharField(help_text="What went wrong, in a sentence for people.")
    request_id = serializers.CharField(help_text="As in the header `X-Request-ID`, and in the server's log.")
    checks = CheckSerializer(many=True, required=False, help_text="Of `promotion_refused`: what was examined.")
