"""A form with photos, taken in part by part."""

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from rest_framework.exceptions import ParseError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from api_service.config import settings as api
from api_service.http.problems import BadRequest
from api_service.jobs.uploads import CHUNK, NOTHING_SENT, PACKED, SENT, Upload, UploadParser
from har_core.config import settings as har
from har_core.errors import ArchiveTooLarge

_MOST_HEADER_BYTES = 65_536
_MOST_FIELDS = 20
_MOST_FIELD_BYTES = 1000
_MOST_NAME_CHARACTERS = 1000


class FormParser(UploadParser):
    """A form with one zip as ``archive``, or any number of files as ``images``.

    Django's own parser keeps a file open for each photo, and counts no further than a request to predictions may go.
    """

    media_type = "multipart/form-data"

    def _receive(self, upload: Upload, stream: IO[bytes], media_type: str) -> None:
        form = _Form(upload)
        try:
            for event in _events(stream, parse_options_header(media_type)[1].get("boundary", "")):
                form.take(event)
        except (ValueError, RequestEntityTooLarge) as error:
            raise ParseError("The form is malformed, or was cut off.") from error
        finally:
            form.close()
        if not any(upload.folder.iterdir()):
            raise BadRequest(NOTHING_SENT)


def _events(stream: IO[bytes], boundary: str) -> Iterator[Any]:
    if not boundary:
        raise ValueError("there is no boundary")
    decoder = MultipartDecoder(boundary.encode(), max_form_memory_size=CHUNK + _MOST_HEADER_BYTES)
    while True:
        decoder.receive_data(stream.read(CHUNK) or None)
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return


class _Form:
    """Puts the parts of a form where they belong."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._packed: zipfile.ZipFile | None = None
        self._target: IO[bytes] | None = None
        self._field: str | None = None
        self._left = 0

    def take(self, event: Any) -> None:
        """Takes the next part, or a piece of the one before."""
        if isinstance(event, File):
            self._begin_file(event.name, event.filename)
        elif isinstance(event, Field):
            self._begin_field(event.name)
        elif isinstance(event, Data):
            self._add(event.data)
            if not event.more_data:
                self._end()

    def close(self) -> None:
        """Closes all files."""
        self._end()
        if self._packed:
            self._packed.close()

    def _begin_file(self, field: str, name: str) -> None:
        self._field = None
        if not name:
            return  # What a browser sends for a field without a file.
        is_first = not any(self._upload.folder.iterdir())
        if field == "archive" and is_first:
            self._target = (self._upload.folder / SENT).open("xb")
            self._left = api().max_job_bytes
        elif field == "images" and (self._packed or is_first):
            self._begin_photo(name)
        else:
            raise BadRequest('Send one zip as the file "archive", or any number of photos as files "images".')

    def _begin_photo(self, name: str) -> None:
        if len(name) > _MOST_NAME_CHARACTERS:
            raise BadRequest(f"A file's name has more than {_MOST_NAME_CHARACTERS} characters.")
        if self._packed is None:
            self._packed = zipfile.ZipFile(self._upload.folder / PACKED, "x")
        most = api().max_job_images
        if len(self._packed.filelist) == most:
            raise ArchiveTooLarge(f"A job has at most {most} photos.")
        self._packed.NameToInfo.clear()  # Or zipfile would warn of photos of the same name.
        self._upload.note(b"\0" + name.encode() + b"\0")
        self._target = self._packed.open(zipfile.ZipInfo(name), "w")
        # One byte more tells that a photo is too large; more would be kept for nothing.
        self._left = har().max_image_bytes + 1

    def _begin_field(self, name: str) -> None:
        self._field = name
        if len(self._upload.fields) >= _MOST_FIELDS:
            raise ParseError("The form has too many fields.")
        self._upload.fields[name] = ""

    def _add(self, data: bytes) -> None:
        if self._target:
            self._upload.note(data)
            kept = data[: self._left]
            self._target.write(kept)
            self._left -= len(kept)
        elif self._field is not None:
            self._upload.fields[self._field] += data.decode()
            if len(self._upload.fields[self._field]) > _MOST_FIELD_BYTES:
                raise ParseError("A field of the form is too long.")

    def _end(self) -> None:
        if self._target:
            self._target.close()
            self._target = None
