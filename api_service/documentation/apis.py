"""``/api/schema``, ``/api/docs`` and ``/api/redoc``."""

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.documentation.openapi import REVALIDATED

# All that the pages load comes from here. Both set styles of elements as they draw.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SchemaApi(APIView):
    """The description of this API."""

    authentication_classes = permission_classes = ()
    renderer_classes = (OpenApiYamlRenderer2, OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiJsonRenderer)

    @extend_schema(
        operation_id="get_schema",
        summary="This description",
        tags=["documentation"],
        parameters=REVALIDATED,
        responses={
            (200, "application/yaml"): OpenApiTypes.OBJECT,
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/vnd.oai.openapi"): OpenApiTypes.OBJECT,
            (200, "application/vnd.oai.openapi+json"): OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """The OpenAPI document, as YAML or as JSON, by the header ``Accept``."""
        renderer = request.accepted_renderer
        return HttpResponse(_document(renderer.format), renderer.media_type, headers={"Cache-Control": "no-cache"})


@lru_cache(maxsize=2)
def _document(form: str) -> str | bytes:
    """Made once a process: it takes half a second."""
    renderer = OpenApiYamlRenderer() if form == "yaml" else OpenApiJsonRenderer()
    return renderer.render(SchemaGenerator().get_schema(public=True))


class _Page(APIView):
    authentication_classes = permission_classes = ()

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Allows the page nothing but what it needs."""
        response["Content-Security-Policy"] = _POLICY
        return super().finalize_response(request, response, *args, **kwargs)


class SwaggerPage(_Page, SpectacularSwaggerSplitView):
    """The description as a page that can send requests."""

    template_name = "documentation/swagger.html"
    template_name_js = "documentation/swagger.js"


class RedocPage(_Page, SpectacularRedocView):
    """The description as a page to read."""

    template_name = "documentation/redoc.html"
