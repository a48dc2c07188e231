"""How the metrics are described."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

get_metrics = extend_schema(
    operation_id="get_metrics",
    summary="Figures for Prometheus",
    tags=["operation"],
    responses={(200, "text/plain"): OpenApiTypes.STR},
)
