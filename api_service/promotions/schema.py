"""How promotions are described."""

from drf_spectacular.utils import OpenApiExample, extend_schema

from api_service.documentation.openapi import problems
from api_service.http.serializers import ListQuery
from api_service.promotions.serializers import (
    HistoryEntrySerializer,
    HistorySerializer,
    PromotionSerializer,
    RollbackSerializer,
)

list_promotions = extend_schema(
    operation_id="list_promotions",
    summary="What was in service, and why",
    tags=["models"],
    parameters=[ListQuery],
    responses=HistorySerializer,
    extensions=problems("history_broken"),
)
create_promotion = extend_schema(
    operation_id="create_promotion",
    summary="Put a model in service",
    tags=["models"],
    request=PromotionSerializer,
    responses={201: HistoryEntrySerializer},
    examples=[OpenApiExample("promote", {"model": "everyday@3", "why": "more photos"}, request_only=True)],
    extensions=problems(
        "unknown_model",
        "promotion_refused",
        "promotion_busy",
        "promotion_unfinished",
        "bundle_broken",
        "history_broken",
    ),
)
create_rollback = extend_schema(
    operation_id="create_rollback",
    summary="Take back the last promotion",
    tags=["models"],
    request=RollbackSerializer,
    responses={201: HistoryEntrySerializer},
    examples=[OpenApiExample("rollback", {"why": "complaints"}, request_only=True)],
    extensions=problems("promotion_refused", "history_broken"),
)
