"""A job's rows, line by line."""

import json
from collections.abc import Iterator

from api_service.jobs.models import Job
from har_core.batch import tables

_CHUNK = 65_536


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
