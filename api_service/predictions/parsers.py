"""Reads a request body that is an image itself."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

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
