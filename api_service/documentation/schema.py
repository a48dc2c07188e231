"""How the description describes itself."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from api_service.documentation.openapi import REVALIDATED

get_schema = extend_schema(
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
