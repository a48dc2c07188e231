"""A job's rows: the forms in which they can be had, and what is sent."""

import json
from collections.abc import Iterable, Iterator

from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api_service.jobs.models import Job
from har_core.batch import tables

_CHUNK = 65_536


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


def json_lines(job: Job) -> Iterator[bytes]:
    """The rows so far, in the order of the photos, in pieces of whole lines."""
    try:
        with job.output.open("rb") as file:
            while lines := file.readlines(_CHUNK):
                yield b"".join(line for line in lines if line.endswith(b"\n"))
                if not lines[-1].endswith(b"\n"):
                    return  # It is being written.
    except FileNotFoundError:
        return


def csv_lines(job: Job) -> Iterator[bytes]:
    """The same as a table."""
    yield tables.csv_header(job.top_k)
    for lines in json_lines(job):
        yield tables.csv_lines(json.loads(line) for line in lines.splitlines())
