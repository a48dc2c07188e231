"""How the probes are described."""

from drf_spectacular.utils import extend_schema

from api_service.documentation.openapi import problems
from api_service.health.serializers import HealthSerializer, ReadinessSerializer
from api_service.models.schema import MODEL_PROBLEMS

check_health = extend_schema(
    operation_id="check_health", summary="Whether the process is up", tags=["operation"], responses=HealthSerializer
)
check_readiness = extend_schema(
    operation_id="check_readiness",
    summary="Whether photos can be classified",
    tags=["operation"],
    responses=ReadinessSerializer,
    extensions=problems("model_loading", *MODEL_PROBLEMS, "database_unreachable", "database_not_migrated"),
)
