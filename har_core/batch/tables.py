"""Rows as tables: one line a photo, for spreadsheets (CSV) and for programs (Parquet)."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from har_core.batch.scoring import Row
from har_core.spreadsheets import safe_cell

_ROWS = 10_000
_COLUMNS = ("path", "label", "confidence", "decision", "model", "error_code", "error_message")


def csv_header(top_k: int) -> bytes:
    """The first line; each label after the best one and its probability have columns of their own."""
    further = [f"{what}_{place}" for place in range(2, top_k + 1) for what in ("label", "confidence")]
    return _csv([[*_COLUMNS, *further]])


def csv_lines(rows: Iterable[Row]) -> bytes:
    """The lines of some rows; a text that a spreadsheet would run as a formula begins with an apostrophe."""
    return _csv(_cells(row) for row in rows)


def write_csv(rows: Iterable[Row], file: Path, top_k: int) -> None:
    """Writes a whole file, some thousand rows at a time."""
    with file.open("wb") as opened:
        opened.write(csv_header(top_k))
        for chunk in _chunks(rows):
            opened.write(csv_lines(chunk))


def write_parquet(rows: Iterable[Row], file: Path) -> None:
    """Writes a whole file, some thousand rows at a time; all labels are in the column ``predictions``, best first."""
    import pyarrow as pa  # noqa: PLC0415 - 50 MB, which a server of CSV files can do without
    from pyarrow import parquet  # noqa: PLC0415

    schema = pa.schema(
        [
            *((name, pa.float64() if name == "confidence" else pa.string()) for name in _COLUMNS),
            ("predictions", pa.list_(pa.struct({"label": pa.string(), "score": pa.float64()}))),
        ]
    )
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for chunk in _chunks(rows):
            records = [{**_flat(row), "predictions": row.get("predictions")} for row in chunk]
            writer.write_batch(pa.RecordBatch.from_pylist(records, schema))


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a file with a JSON object a line."""
    with file.open("rb") as opened:
        yield from map(json.loads, opened)


def _flat(row: Row) -> Row:
    path = _printable(row["path"])
    if "error" in row:
        return {"path": path, "error_code": row["error"]["code"], "error_message": _printable(row["error"]["message"])}
    model = "{name}@{version}".format(**row["model"])
    return {**{name: row[name] for name in ("label", "confidence", "decision")}, "path": path, "model": model}


def _cells(row: Row) -> list[object]:
    flat = _flat(row)
    others = [value for found in row.get("predictions", [])[1:] for value in (found["label"], found["score"])]
    return [flat.get(name, "") for name in _COLUMNS] + others


def _printable(text: str) -> str:
    """Names of files may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def _csv(rows: Iterable[list[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([safe_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode()


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _ROWS)):
        yield chunk
