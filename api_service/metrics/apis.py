"""``/metrics``."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from api_service.metrics import services


class Text(BaseRenderer):
    """What can be had."""

    media_type, format = "text/plain", "txt"


class MetricsApi(APIView):
    """What Prometheus reads."""

    scope = None
    renderer_classes = (Text,)

    @extend_schema(
        operation_id="get_metrics",
        summary="Figures for Prometheus",
        tags=["operation"],
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """The figures of all workers together."""
        del request
        return HttpResponse(services.page(), CONTENT_TYPE_LATEST)
