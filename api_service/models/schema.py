"""How labels and models are described."""

from drf_spectacular.utils import OpenApiParameter, extend_schema

from api_service.documentation.openapi import REVALIDATED, problems
from api_service.models.serializers import LabelsSerializer, ModelDetailsSerializer, ModelsSerializer

# What stands against any answer of the model in service.
MODEL_PROBLEMS = ("model_not_found", "bundle_broken", "history_broken")

list_labels = extend_schema(
    operation_id="list_labels",
    summary="The labels that answers can have",
    tags=["models"],
    parameters=REVALIDATED,
    responses=LabelsSerializer,
    extensions=problems(*MODEL_PROBLEMS),
)
list_models = extend_schema(
    operation_id="list_models",
    summary="The models here",
    tags=["models"],
    parameters=REVALIDATED,
    responses=ModelsSerializer,
)
get_model = extend_schema(
    operation_id="get_model",
    summary="All that is known of a model",
    tags=["models"],
    parameters=[
        OpenApiParameter("version", str, "path", description="NAME@VERSION, for example everyday@3."),
        *REVALIDATED,
    ],
    responses=ModelDetailsSerializer,
    extensions=problems("unknown_model", "bundle_broken"),
)
