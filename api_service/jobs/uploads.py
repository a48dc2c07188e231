"""What a request brings, on its way into a job's folder: always one zip, either sent or made of the files sent."""

import errno
import hashlib
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from rest_framework.parsers import BaseParser

from api_service.jobs import models
from api_service.jobs.errors import JobStorageFull

# The name says which of both it is: of files sent one by one, each counts as a photo.
SENT, PACKED = "sent.zip", "packed.zip"

NOTHING_SENT = 'There are no photos. Send a zip as the body or as the file "archive", or photos as files "images".'

CHUNK = 1_000_000
"""Bytes that are read at a time."""


def archive_in(folder: Path) -> tuple[Path, bool]:
    """The zip in a folder, and whether each of its entries counts as a photo."""
    packed = folder / PACKED
    return (packed, True) if packed.exists() else (folder / SENT, False)


class Upload:
    """A zip in a folder of its own.

    Attributes:
        folder: The folder; a job takes it over by renaming it.
        fields: The form's other fields.
    """

    def __init__(self) -> None:
        """Makes the folder."""
        incoming = models.root() / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(dir=incoming))
        self.fields: dict[str, str] = {}
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of what was sent, whichever way it was wrapped."""
        return self._hash.hexdigest()

    def note(self, content: bytes) -> None:
        """Counts something into the digest."""
        self._hash.update(content)

    def discard(self) -> None:
        """Removes it, unless a job has taken it over."""
        shutil.rmtree(self.folder, ignore_errors=True)


class UploadParser(BaseParser, ABC):
    """Leaves nothing behind of what is refused."""

    def parse(  # type: ignore[override]  # what is not a form's data may be anything
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Upload:
        """Reads the body.

        Raises:
            ParseError: It is cut off, or not of the form that it says.
            BadRequest: It holds something else than one zip or many photos.
            JobStorageFull: The disk is full.
        """
        del parser_context
        upload = Upload()
        try:
            self._receive(upload, stream, media_type or "")
        except BaseException as error:
            upload.discard()
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise JobStorageFull(f"The photos cannot be kept: {error.strerror}.") from error
            raise
        return upload

    @abstractmethod
    def _receive(self, upload: Upload, stream: IO[bytes], media_type: str) -> None:
        """Takes the body over into the upload's folder."""


class ZipParser(UploadParser):
    """A raw body that is a zip."""

    media_type = "application/zip"

    def _receive(self, upload: Upload, stream: IO[bytes], media_type: str) -> None:
        del media_type
        with (upload.folder / SENT).open("xb") as file:
            for chunk in iter(lambda: stream.read(CHUNK), b""):
                upload.note(chunk)
                file.write(chunk)


class WindowsZipParser(ZipParser):
    """The same, as Windows calls it."""

    media_type = "application/x-zip-compressed"
