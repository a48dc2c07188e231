"""What is to be scored: a folder, a pattern or a table of paths. Listed lazily, in an order that stays the same."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import PurePosixPath
from typing import Self

import pyarrow as pa
from pyarrow import csv, parquet

from har_core.batch import locations
from har_core.batch.scoring import Item
from har_core.errors import InputUnusable
from har_core.images import SUFFIXES

TABLES = (".csv", ".parquet")
COLUMN = "path"
BELOW = ("**", "*")
_MAGIC = frozenset("*?[")
_ROWS = 10_000


@dataclass(frozen=True)
class Source(ABC):
    """Photos, known by their paths; it can be sent to another machine.

    Attributes:
        base: The folder at which relative paths begin: an absolute path, or a URI.
    """

    base: str

    @abstractmethod
    def paths(self) -> Iterator[str]:
        """Lists the photos, each time anew.

        Raises:
            InputUnusable: They cannot be listed, or not to the end.
        """

    def count(self) -> int:
        """How many there are. Takes as long as listing them where there is no better way."""
        return sum(1 for _ in self.paths())

    def without(self, files: frozenset[str]) -> Self:
        """The same, but for some files that were not meant: those of the run. A table names what is meant.

        Args:
            files: Absolute paths; their folders are no links.
        """
        del files
        return self

    def item(self, path: str) -> Item:
        """One of the photos, to be read in any thread."""
        return Item(path, partial(locations.read, locations.absolute(self.base, path)))


@dataclass(frozen=True)
class Tree(Source):
    """Files below a folder.

    Attributes:
        root: The folder, as its files' rows are to begin; empty: that at which relative paths begin.
        pattern: What the names of folders and, last, of the file are like; ``**`` stands for any folders.
        only_photos: Pass over files without a photo's ending.
        left_out: Files that are passed over, too: absolute paths whose folders are no links.
    """

    root: str
    pattern: tuple[str, ...]
    only_photos: bool
    left_out: frozenset[str] = frozenset()

    def without(self, files: frozenset[str]) -> Self:
        """The same, but for some files."""
        return replace(self, left_out=files)

    def paths(self) -> Iterator[str]:
        """Lists the files: in each folder by name, with what is in a folder in that folder's place."""
        # How much of the pattern the folder fits: several places, since ** may stand for more or less.
        todo = [self._entries(self.root, self._after({0}))]
        while todo:
            path, entry, places = next(todo[-1], (None, None, None))
            if path is None or entry is None or places is None:
                todo.pop()
            elif entry.is_folder:
                todo.append(self._entries(path, places))
            elif len(self.pattern) in places and self._is_wanted(entry.name):
                yield path

    def _entries(self, folder: str, places: frozenset[int]) -> "Iterator[tuple[str, locations.Entry, frozenset[int]]]":
        location = locations.absolute(self.base, folder) if folder else self.base
        try:
            found, left_out = locations.entries(location), self._left_out_in(location)
        except locations.ERRORS as error:
            raise InputUnusable(f"The folder {folder or '.'} cannot be listed: {locations.reason(error)}.") from error
        start = folder if not folder or folder.endswith("/") else f"{folder}/"
        for entry in found:
            reached = self._reached(places, entry)
            if reached and entry.name not in left_out:
                yield start + entry.name, entry, reached

    def _left_out_in(self, location: str) -> set[str]:
        """The names of those that lie in a folder, however one got there."""
        if not self.left_out or locations.is_uri(location):
            return set()
        files, folder = map(PurePosixPath, self.left_out), PurePosixPath(os.path.realpath(location))
        return {file.name for file in files if file.parent == folder}

    def _reached(self, places: frozenset[int], entry: locations.Entry) -> frozenset[int]:
        reached, is_hidden = set(), entry.name.startswith(".")
        for place in places:
            part = self.pattern[place] if place < len(self.pattern) else ""
            if part == "**":
                if not is_hidden and not (entry.is_folder and entry.is_link):
                    reached.add(place)
            elif fnmatchcase(entry.name, part) and (not is_hidden or part.startswith(".")):
                reached.add(place + 1)
        return self._after(reached)

    def _after(self, places: set[int]) -> frozenset[int]:
        """With those that come after a ** that stands for nothing."""
        found = set(places)
        for place in sorted(places):
            end = place
            while end < len(self.pattern) and self.pattern[end] == "**":
                end += 1
                found.add(end)
        return frozenset(found)

    def _is_wanted(self, name: str) -> bool:
        return not self.only_photos or PurePosixPath(name).suffix.lower() in SUFFIXES


@dataclass(frozen=True)
class Table(Source):
    """A column of a CSV or Parquet file.

    Attributes:
        file: Its absolute path, or URI.
        column: The column's name.
    """

    file: str
    column: str

    def paths(self) -> Iterator[str]:
        """Reads the column, some thousand rows at a time; an empty cell is an empty path, an empty line nothing."""
        try:
            self._check(self._schema())
            for batch in self._batches():
                yield from (path or "" for path in batch.column(0).to_pylist())
        except locations.ERRORS as error:
            raise self._unreadable(error) from error

    def count(self) -> int:
        """Of a Parquet file, what it says itself."""
        if self._is_csv:
            return super().count()
        try:
            with self._open() as file:
                return int(parquet.ParquetFile(file).metadata.num_rows)
        except locations.ERRORS as error:
            raise self._unreadable(error) from error

    @property
    def _is_csv(self) -> bool:
        return _ending(self.file) == ".csv"

    def _open(self) -> pa.NativeFile:
        system, path = locations.filesystem(self.file)
        return system.open_input_stream(path, compression=None) if self._is_csv else system.open_input_file(path)

    def _schema(self) -> pa.Schema:
        with self._open() as file:
            return csv.open_csv(file).schema if self._is_csv else parquet.ParquetFile(file).schema_arrow

    def _check(self, schema: pa.Schema) -> None:
        if schema.names.count(self.column) != 1:
            names = ", ".join(schema.names)
            raise InputUnusable(f"{self.file} has not one column {self.column}, but: {names}. Name one with --column.")
        kind = schema.field(self.column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        if not is_text and not self._is_csv:
            raise InputUnusable(f"The column {self.column} of {self.file} holds {kind}, not paths.")

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with self._open() as file:
            if self._is_csv:
                texts = csv.ConvertOptions(include_columns=[self.column], column_types={self.column: pa.string()})
                parsing = csv.ParseOptions(newlines_in_values=True)
                yield from csv.open_csv(file, parse_options=parsing, convert_options=texts)
            else:
                yield from parquet.ParquetFile(file).iter_batches(_ROWS, columns=[self.column])

    def _unreadable(self, error: Exception) -> InputUnusable:
        return InputUnusable(f"The table {self.file} cannot be read: {locations.reason(error)}.")


def find(text: str, column: str | None = None) -> Source:
    """What somebody means by an input.

    Args:
        text: A folder, a CSV or Parquet file, or a pattern with ``*``, ``?``, ``[`` or ``**``; a path or a URI.
        column: Of a table, the one with the paths. They may be relative to the table's folder.

    Raises:
        InputUnusable: There is nothing of the kind.
    """
    if text.startswith("file://"):
        text = locations.absolute("", text)
    here = str(PurePosixPath(os.getcwd()))  # noqa: PTH109 - as text, since a URI may stand in its place
    if not column and not locations.is_uri(text) and os.path.isdir(text):  # noqa: PTH112 - answers also for what can be no path
        return Tree(here, _root(text), BELOW, only_photos=True)
    file = locations.absolute(here, text)
    # A table that is there may be called as a pattern is.
    if _ending(text) in TABLES and (not _MAGIC & set(text) or os.path.isfile(file)):  # noqa: PTH113 - as above
        return Table(file.rpartition("/")[0] or "/", file, column or COLUMN)
    if column:
        raise InputUnusable(f"{text} has no columns: it is no .csv or .parquet file.")
    parts = text.split("/")
    first = next((place for place, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
    if first == len(parts) and not locations.is_uri(text):
        raise InputUnusable(f"{text} is no folder, no pattern that holds *, and no .csv or .parquet file.")
    pattern = tuple(part for part in parts[first:] if part not in ("", "."))
    if pattern[-1:] == ("**",):
        pattern = (*pattern, "*")
    root = "/".join(parts[:first]) + "/" * text.startswith("/")
    return Tree(here, _root(root), pattern or BELOW, only_photos=not pattern)


def _root(text: str) -> str:
    """A folder as the paths in it begin; empty: the one that we are in."""
    if locations.is_uri(text):
        return text.rstrip("/")
    root = str(PurePosixPath(text))
    return "" if root == "." else root


def _ending(text: str) -> str:
    return PurePosixPath(text).suffix.lower()
