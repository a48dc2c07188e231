"""A zip of photos that may come from anyone, read in place: nothing of it is ever unpacked to disk."""

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from har_core import zips
from har_core.batch.scoring import Item
from har_core.config import settings
from har_core.errors import (
    ArchiveBroken,
    ArchiveEmpty,
    ArchiveTooLarge,
    DamagedEntry,
    EncryptedEntry,
    HarError,
    ImageTooLarge,
    LinkEntry,
    UnsafePath,
    UnsupportedCompression,
)
from har_core.images import SUFFIXES

_IS_ENCRYPTED, _IS_UTF8 = 0x1, 0x800
_ENTRY = b"PK\x01\x02"
_MOST_DIRECTORY_BYTES = 64_000_000
# Photos hardly get smaller in a zip; one that unpacks to more than this is made to keep us busy.
_MOST_EXPANSION = 10


class Archive:
    """An open zip of photos.

    Folders, hidden files, ``__MACOSX`` and files without a photo's ending are passed over.

    Attributes:
        photos: Its photos, in the order of its directory; several may have the same name.
        skipped: How many files were passed over.
    """

    def __init__(self, file: Path | IO[bytes], every: bool = False) -> None:
        """Reads the directory.

        Args:
            file: The zip.
            every: Take each entry for a photo, whatever it is called.

        Raises:
            ArchiveBroken: It is no zip, or its directory is damaged.
            OSError: It cannot be opened.
        """
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(file)
        except zips.BROKEN as error:
            raise ArchiveBroken(f"This is no zip file that can be read: {error}.") from error
        files = [entry for entry in self._zip.infolist() if every or not entry.filename.endswith("/")]
        self.photos = [entry for entry in files if every or _is_photo(entry)]
        self.skipped = len(files) - len(self.photos)

    def close(self) -> None:
        """Nothing can be read from then on."""
        self._zip.close()

    def items(self) -> Iterator[Item]:
        """The photos, to be read one by one, in any thread."""
        for entry in self.photos:
            yield Item(_name(entry), partial(self._read, entry))

    def _read(self, entry: zipfile.ZipInfo) -> bytes:
        problem = objection(entry)
        if problem:
            raise problem
        try:
            with self._lock, self._zip.open(entry) as member:
                # Without a length, zipfile would unpack all there is before it cuts it to the size in the directory.
                return member.read(entry.file_size)
        except (*zips.BROKEN, OSError) as error:
            raise DamagedEntry("This entry of the zip is damaged.") from error


def check(path: Path, every: bool, most_photos: int, most_bytes: int) -> tuple[int, int]:
    """Examines a zip by its directory alone, before anything in it is read.

    Args:
        path: The zip.
        every: As for ``Archive``.
        most_photos: So many it may hold.
        most_bytes: So large it may be; its photos may have ten times as much when unpacked.

    Returns:
        How many photos it holds, and how many files are passed over.

    Raises:
        ArchiveError: It cannot be used: one subclass per cause.
        ImageTooLarge: All its photos are too large.
    """
    with _Guarded(io.FileIO(path), 2 * most_photos + 1000) as file, closing(Archive(file, every)) as archive:
        photos = archive.photos
        if not photos:
            raise ArchiveEmpty("There are no photos in the zip.")
        if len(photos) > most_photos:
            raise ArchiveTooLarge(f"There are {len(photos)} photos; at most {most_photos} are accepted.")
        if sum(entry.file_size for entry in photos) > _MOST_EXPANSION * most_bytes:
            raise ArchiveTooLarge("The photos in the zip are too large when unpacked.")
        problems = [problem for entry in photos if (problem := objection(entry))]
        if len(problems) == len(photos):
            raise problems[0]
        return len(photos), archive.skipped


def objection(entry: zipfile.ZipInfo) -> HarError | None:
    """What stands against reading an entry of a zip; None: nothing."""
    if zips.leads_out(_name(entry)):
        return UnsafePath("The name would lead out of any folder that it is unpacked to.")
    if not zips.is_plain(entry):
        return LinkEntry("This is a link, or something else that is no file.")
    if entry.flag_bits & _IS_ENCRYPTED:
        return EncryptedEntry("This is encrypted; send a zip without a password.")
    if not zips.is_read(entry):
        return UnsupportedCompression("This is compressed in a way that is not read here; use “deflate”, or none.")
    if entry.file_size > settings().max_image_bytes:
        return ImageTooLarge(f"The file is too large: at most {settings().max_image_bytes / 1e6:g} MB are accepted.")
    return None


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(_name(entry).replace("\\", "/"))
    is_hidden = any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not is_hidden


def _name(entry: zipfile.ZipInfo) -> str:
    """The name; many programs, macOS among them, write UTF-8 without saying so."""
    if entry.flag_bits & _IS_UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


class _Guarded(io.BufferedReader):
    """Keeps zipfile from loading a directory with more entries than anybody needs: each costs half a kilobyte."""

    def __init__(self, raw: io.FileIO, most_entries: int) -> None:
        super().__init__(raw)
        self._most_entries = most_entries

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads; the directory comes in one piece."""
        if size is not None and size > _MOST_DIRECTORY_BYTES:
            raise ArchiveTooLarge("The zip's directory is too large.")
        found = super().read(size)
        if found.count(_ENTRY) > self._most_entries:
            raise ArchiveTooLarge("The zip has too many entries.")
        return found
