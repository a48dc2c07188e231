"""``/metrics``."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.metrics import schema, services


class TextRenderer(BaseRenderer):
    """Passes the page on."""

    media_type = "text/plain"
    format = "txt"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The bytes as they are."""
        del accepted_media_type, renderer_context
        return data


class MetricsApi(APIView):
    """What Prometheus reads."""

    scope = None
    throttle_classes = ()
    renderer_classes = (TextRenderer,)

    @schema.get_metrics
    def get(self, request: Request) -> Response:
        """The figures of all workers together."""
        del request
        return Response(services.page(), content_type=CONTENT_TYPE_LATEST)
