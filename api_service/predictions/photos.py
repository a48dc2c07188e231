"""The photos in a request, however they come."""

import base64
import binascii
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from api_service.http.problems import BadRequest
from har_core.config import settings


class ImageParser(BaseParser):
    """A raw ``image/*`` body → its bytes."""

    media_type = "image/*"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Reads the body, but no more of it than a request may have."""
        del media_type, parser_context
        return stream.read(settings().max_request_bytes)


def payloads(request: Request) -> tuple[list[bytes], bool]:
    """The photos in a request, and whether it asked for an answer for many.

    Raises:
        BadRequest: There is none, or they come in a way that is not understood.
    """
    body = request.data
    if isinstance(body, bytes):
        return [body], False
    if request.FILES:
        return _from_files(request)
    if isinstance(body, dict) and isinstance(body.get("image"), str) and "json" in (request.content_type or ""):
        return [_from_base64(body["image"])], False
    raise BadRequest(
        'There is no image in the request. Send a multipart file field "image" (or several "images"), '
        'a raw body with the type "image/jpeg" or like, or JSON {"image": "<base64>"}.'
    )


def _from_files(request: Request) -> tuple[list[bytes], bool]:
    unknown = sorted(set(request.FILES) - {"image", "images"})
    if unknown:
        raise BadRequest(f'The file field is called "{unknown[0][:50]}"; call it "image" (one) or "images" (many).')
    single, many = request.FILES.getlist("image"), request.FILES.getlist("images")
    if (many and single) or len(single) > 1:
        raise BadRequest('Send one file as "image", or several, all of them as "images".')
    return [file.read() for file in many or single], bool(many)


def _from_base64(text: str) -> bytes:
    _, comma, encoded = text.partition(",") if text.startswith("data:") else ("", "", text)
    del comma
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest('The field "image" is not valid base64.') from None
