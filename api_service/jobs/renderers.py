"""The forms in which a job's results can be had."""

from collections.abc import Iterable

from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JsonLines(BaseRenderer):
    """A JSON object a line."""

    media_type, format = "application/x-ndjson", "jsonl"


class Csv(BaseRenderer):
    """A table."""

    media_type, format = "text/csv", "csv"


class Negotiation(DefaultContentNegotiation):
    """Goes by the parameter ``format``, then by the header ``Accept``."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The form to answer in, and its media type."""
        del format_suffix
        return super().select_renderer(request, renderers, request.query_params.get("format"))

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:
        """Those of a format.

        Raises:
            ValidationError: There is none.
        """
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            raise ValidationError({"format": "There is no such format here."})
        return found
