"""Gives a photo as it is."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer


class JpegRenderer(BaseRenderer):
    """A JPEG's bytes → the body."""

    media_type = "image/jpeg"
    format = "jpg"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Passes the bytes on."""
        del accepted_media_type, renderer_context
        return data
