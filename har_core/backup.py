"""All that is worth keeping under ``HAR_HOME`` in one file, taken while the system runs, and back out of it.

A backup is a tar file, since photos and weights hardly get smaller, with a list of SHA-256 sums as its last entry.
SQLite files are copied by SQLite itself, as they are at one moment. All others are added to at their end, or written
beside and renamed; so what is opened is whole. What refers to others is copied before them: ``serving.json``, the
databases and runs before models, a dataset's description before its manifest, a record of feedback before its photo.
And so is what moves: feedback before the datasets that it is added to.
"""

import errno
import hashlib
import io
import os
import shutil
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, NamedTuple, cast

from pydantic import BaseModel

from har_core import identity
from har_core.config import settings
from har_core.datasets import store
from har_core.errors import BackupFailed, DatasetError, RestoreRefused
from har_core.files import write_beside

LEFT_OUT = {
    "cache": "what is computed anew when it is asked for",
    "incoming": "requests that are being received",
    "jobs/incoming": "uploads for jobs that are being received",
    "metrics": "what the running servers have counted",
    "predictions": "photos that feedback can name for some minutes",
    "uploads": "zips that were uploaded to be imported",
}
"""Folder under ``HAR_HOME`` → what is in it that need not be kept."""

_LIST = "backup.json"
_SQLITE = b"SQLite format 3\0"
_NOT_KEPT = (".lock", ".started", ".db-wal", ".db-shm", ".db-journal")
_LAST = ("datasets", "models")
_LIST_BYTES = 500_000_000
_RESTORING = ".restoring-"
# What a new disk brings along, for root's eyes only.
_NOTHING = {"lost+found"}


class _Contents(BaseModel):
    """The last entry of a backup.

    Attributes:
        format: Of the backup; 1.
        created: ISO 8601, UTC.
        sha256: Path → that of its content.
    """

    format: Literal[1] = 1
    created: str
    sha256: dict[str, str]


class Saved(NamedTuple):
    """What a backup holds.

    Attributes:
        files: How many.
        size: Of the backup, bytes.
        elsewhere: Photos of datasets that lie outside ``HAR_HOME``, where they were imported from: they are not in it.
    """

    files: int
    size: int
    elsewhere: int


def save(archive: Path) -> Saved:
    """Writes a backup.

    Args:
        archive: Where to; an earlier one is replaced when the new one is complete. Only its owner may read it.

    Raises:
        BackupFailed: It cannot be written, or something cannot be read.
    """
    home, archive = settings().home.resolve(), archive.absolute()
    if not home.is_dir():
        raise BackupFailed(f"There is nothing to save: {home} is not there. HAR_HOME names the folder.")
    if archive.resolve().is_relative_to(home):
        raise BackupFailed(f"{archive} lies in HAR_HOME, which it is to be a copy of. Choose another place.")
    if archive.is_dir():
        raise BackupFailed(f"{archive} is a folder. Name a file in it: {archive / 'har.tar'}.")
    sums: dict[str, str] = {}
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        _require_room(archive.parent, sum(_size(path) for path, _ in _kept(home)))
        elsewhere = _photos_elsewhere(home)
        write_beside(archive, lambda beside: _write(beside, home, sums), mode=0o600, durable=True)
        return Saved(len(sums), archive.stat().st_size, elsewhere)
    except OSError as error:
        what = error.filename or archive
        raise BackupFailed(f"Nothing was saved. {what}: {error.strerror or error}. An earlier backup stays.") from error
    except sqlite3.Error as error:
        raise BackupFailed(f"A database cannot be read: {error}. Nothing was saved.") from error
    except tarfile.ReadError as error:
        raise BackupFailed("A file got shorter while it was read. Nothing was saved; try again.") from error


def restore(archive: Path) -> int:
    """Brings a backup back into an empty ``HAR_HOME``.

    All of it is unpacked within that folder, out of sight, and compared with the sums; only then it is put in place.

    Returns:
        How many files.

    Raises:
        RestoreRefused: The backup is damaged or unsafe, there is no room, or ``HAR_HOME`` is not empty.
    """
    home = settings().home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        _require_empty(home)
        with tempfile.TemporaryDirectory(prefix=_RESTORING, dir=home) as name:
            scratch = Path(name)
            sums = _unpack(archive, scratch)
            for path in scratch.iterdir():
                path.rename(home / path.name)
    # What damaged headers make of tarfile.
    except (tarfile.TarError, ValueError, EOFError, OverflowError) as error:
        raise RestoreRefused(f"{archive} is no backup, or is damaged: {error}. Nothing was changed.") from error
    except OSError as error:
        raise RestoreRefused(f"{archive} cannot be brought back: {error.strerror or error}.") from error
    return len(sums)


def _kept(folder: Path, prefix: str = "", seen: frozenset[tuple[int, int]] = frozenset()) -> Iterator[tuple[Path, str]]:
    """What is kept, and how it is called in the backup: a folder before what is in it, files before folders.

    Links are followed, since a larger disk may be behind them, and never round in a circle. One that leads nowhere may
    stand for a disk that is not mounted.
    """
    try:
        here = folder.stat()
        entries = sorted(folder.iterdir(), key=lambda path: _turn(path, prefix))
    except FileNotFoundError:  # Removed meanwhile.
        return
    if (here.st_dev, here.st_ino) in seen:
        return
    for path in entries:
        name = f"{prefix}{path.name}"
        if name == _LIST or name in _NOTHING or _is_hidden(path.name):
            continue
        if path.is_dir() and name not in LEFT_OUT:
            yield path, name
            yield from _kept(path, f"{name}/", seen | {(here.st_dev, here.st_ino)})
        elif path.is_file() and path.name != "lock" and not path.name.endswith(_NOT_KEPT):
            yield path, name
        elif name not in LEFT_OUT and _leads_nowhere(path):
            raise BackupFailed(
                f"{path} is a link that leads nowhere. Nothing was saved. Bring back what it stands for, or remove it."
            )


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _size(path: Path) -> int:
    try:
        return 0 if path.is_dir() else path.stat().st_size
    except FileNotFoundError:  # Removed meanwhile.
        return 0


def _is_hidden(name: str) -> bool:
    """Whether it is something unfinished or a lock; the names by which folders are known to databases are neither."""
    return name.startswith(".") and name != identity.NAME


def _turn(path: Path, prefix: str) -> tuple[bool, bool, bool, str]:
    """When it is copied, among those of its folder."""
    return path.is_dir(), not prefix and path.name in _LAST, not path.name.endswith(".json"), path.name


def _write(beside: Path, home: Path, sums: dict[str, str]) -> None:
    with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as tar:
        for path, name in _kept(home):
            with suppress(FileNotFoundError):  # Removed meanwhile.
                _add(tar, path, name, sums, beside.parent)
        contents = _Contents(created=datetime.now(UTC).isoformat(timespec="seconds"), sha256=sums)
        content = contents.model_dump_json().encode()
        entry = tarfile.TarInfo(_LIST)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


class _Summed:
    """A file that is summed up while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.sha256.update(chunk)
        return chunk


def _add(tar: tarfile.TarFile, path: Path, name: str, sums: dict[str, str], scratch: Path) -> None:
    if not name.isprintable():  # So are surrogates, which stand for bytes that are no text.
        raise BackupFailed(f"The name {name!a} is no text. Rename or remove that file.")
    entry = tarfile.TarInfo(name)
    status = path.stat()
    entry.mode, entry.mtime = stat.S_IMODE(status.st_mode), status.st_mtime
    if path.is_dir():
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
        return
    with _opened(path, scratch) as file:
        entry.size = os.fstat(file.fileno()).st_size
        summed = _Summed(file)
        tar.addfile(entry, summed)
        sums[name] = summed.sha256.hexdigest()


@contextmanager
def _opened(path: Path, scratch: Path) -> Iterator[IO[bytes]]:
    """A file, or, of an SQLite file, a copy as it is at one moment, whoever writes to it."""
    with path.open("rb") as file:
        if path.suffix != ".db" or file.read(len(_SQLITE)) != _SQLITE:
            file.seek(0)
            yield file
            return
    with tempfile.NamedTemporaryFile(dir=scratch, prefix=".database-") as copied:
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copied.name)) as copy,
        ):
            source.backup(copy)
        yield copied


def _unpack(archive: Path, scratch: Path) -> dict[str, str]:
    """Unpacks a backup, which may be from anyone, and gives the sums of its files."""
    _require_room(scratch.parent, archive.stat().st_size)
    found: dict[str, str] = {}
    seen = set[str]()
    contents = None
    with tarfile.open(archive, "r:") as tar:
        for entry in tar:
            if contents:
                raise ValueError(f"something comes after {_LIST}")
            if entry.name == _LIST:
                contents = _contents(tar, entry)
                continue
            _require_safe(entry, scratch, seen)
            seen.add(entry.name)
            path = scratch / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.isdir():
                path.mkdir(mode=entry.mode & 0o755 | 0o700)
            else:
                found[entry.name] = _extract(tar, entry, path)
    if contents is None:
        raise ValueError("its end is missing")
    wrong = [name for name, sha256 in contents.sha256.items() if found.get(name) != sha256]
    wrong += sorted(found.keys() - contents.sha256.keys())
    if wrong:
        raise ValueError(f"{wrong[0]!a} is missing or changed")
    return found


def _contents(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> _Contents:
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse() or entry.size > _LIST_BYTES:
        raise ValueError(f"{_LIST} is none of ours")
    return _Contents.model_validate_json(cast(IO[bytes], tar.extractfile(entry)).read())


def _require_safe(entry: tarfile.TarInfo, scratch: Path, seen: set[str]) -> None:
    """Refuses all but files and folders with plain names that stay in their place, each once."""
    tarfile.data_filter(entry, str(scratch))
    parts = entry.name.split("/")
    if entry.name in seen or not entry.name.isprintable() or any(not part or _is_hidden(part) for part in parts):
        raise ValueError(f"{entry.name[:100]!a} has no place there")
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or entry.issparse():
        raise ValueError(f"{entry.name[:100]!a} is neither a file nor a folder")


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> str:
    summed = _Summed(cast(IO[bytes], tar.extractfile(entry)))
    with path.open("xb") as file:
        shutil.copyfileobj(summed, file, 1 << 20)
    path.chmod(entry.mode & 0o644 | 0o600)
    return summed.sha256.hexdigest()


def _require_empty(home: Path) -> None:
    for path in home.glob(f"{_RESTORING}*"):  # Left by one that was killed.
        shutil.rmtree(path)
    found = sorted(path.name for path in home.iterdir() if path.name not in _NOTHING and not _is_mount(path))
    if found:
        raise RestoreRefused(
            f"{home} is not empty: it has {found[0]}. Stop what uses it and move it away, or let HAR_HOME name another "
            "folder."
        )


def _is_mount(path: Path) -> bool:
    """Whether it may be there only because containers mount something of their own in that place."""
    return path.name in LEFT_OUT and path.is_dir() and not any(path.iterdir())


def _require_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise OSError(errno.ENOSPC, f"it takes {wanted / 1e6:,.0f} MB, and {folder} has {free / 1e6:,.0f} MB left")


def _photos_elsewhere(home: Path) -> int:
    total = 0
    for name in store.names():
        with suppress(DatasetError):
            dataset = store.load(name)
            # A dataset may lie behind a link, with the photos that it holds itself.
            inside = (f"{home}/", f"{settings().home.absolute()}/", f"{dataset.folder.resolve()}/")
            total += int((~dataset.base()["path"].str.startswith(inside)).sum())
    return total
