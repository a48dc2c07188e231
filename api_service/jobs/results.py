"""A job's rows, line by line."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from api_service.jobs.models import Job
from har_core.spreadsheets import safe_cell

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
    """The same as a table; each label and its probability have columns of their own."""
    yield _table([["path", "label", "confidence", "decision", "model", "error_code", "error_message", *_further(job)]])
    for lines in json_lines(job):
        yield _table(_cells(json.loads(line)) for line in lines.splitlines())


def _further(job: Job) -> list[str]:
    return [f"{what}_{place}" for place in range(2, job.top_k + 1) for what in ("label", "confidence")]


def _cells(row: dict[str, Any]) -> list[object]:
    if "error" in row:
        return [row["path"], "", "", "", "", row["error"]["code"], row["error"]["message"]]
    others = [value for found in row["predictions"][1:] for value in (found["label"], found["score"])]
    model = "{name}@{version}".format(**row["model"])
    return [row["path"], row["label"], row["confidence"], row["decision"], model, "", "", *others]


def _table(rows: Iterable[list[Any]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([safe_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode()
