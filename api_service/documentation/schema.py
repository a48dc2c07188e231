"""How the description describes itself."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

get_schema = extend_schema(
    operation_id="get_schema",
    summary="This description",
    tags=["documentation"],
    parameters=[
        OpenApiParameter(
            "If-None-Match", str, "header", description="The `ETag` of a description that is there already."
        ),
        OpenApiParameter(
            "ETag", str, "header", response=[200, 304], required=True, description="Changes with the content."
        ),
    ],
    responses={
        (200, "application/yaml"): OpenApiTypes.OBJECT,
        (200, "application/json"): OpenApiTypes.OBJECT,
        (200, "application/vnd.oai.openapi"): OpenApiTypes.OBJECT,
        (200, "application/vnd.oai.openapi+json"): OpenApiTypes.OBJECT,
        304: OpenApiResponse(description="Not modified."),
    },
)
