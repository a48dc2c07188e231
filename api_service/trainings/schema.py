"""How trainings are described."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from api_service.documentation.openapi import problems
from api_service.http.serializers import ListQuery
from api_service.trainings.serializers import (
    DatasetsSerializer,
    LogSerializer,
    NewTrainingSerializer,
    TrainingDetailsSerializer,
    TrainingSerializer,
    TrainingsSerializer,
)

_NAME = OpenApiParameter("name", str, "path", description="The training's name: `run` of its answers.")

list_trainings = extend_schema(
    operation_id="list_trainings",
    summary="The trainings",
    tags=["trainings"],
    parameters=[ListQuery],
    responses=TrainingsSerializer,
    extensions=problems("queue_unreachable"),
)
create_training = extend_schema(
    operation_id="create_training",
    summary="Train a model",
    tags=["trainings"],
    parameters=[
        OpenApiParameter("Location", str, "header", response=[202], required=True, description="Where it is followed.")
    ],
    request=NewTrainingSerializer,
    responses={202: TrainingSerializer},
    examples=[
        OpenApiExample("quick", {"recipe": "quick", "dataset": "mine", "changes": ["seed=1"]}, request_only=True)
    ],
    extensions=problems(
        "recipe_invalid", "dataset_not_found", "dataset_error", "dataset_broken", "training_error", "queue_unreachable"
    ),
)
get_training = extend_schema(
    operation_id="get_training",
    summary="How far a training is",
    tags=["trainings"],
    parameters=[_NAME],
    responses=TrainingDetailsSerializer,
    extensions=problems("run_not_found", "queue_unreachable"),
)
cancel_training = extend_schema(
    operation_id="cancel_training",
    summary="Stop a training",
    tags=["trainings"],
    parameters=[_NAME],
    responses={202: TrainingSerializer},
    extensions=problems("run_not_found", "queue_unreachable"),
)
resume_training = extend_schema(
    operation_id="resume_training",
    summary="Have a training go on",
    tags=["trainings"],
    parameters=[_NAME],
    request=None,
    responses={202: TrainingSerializer},
    extensions=problems("run_not_found", "training_error", "queue_unreachable"),
)
get_training_log = extend_schema(
    operation_id="get_training_log",
    summary="What a training printed",
    tags=["trainings"],
    parameters=[_NAME, ListQuery],
    responses=LogSerializer,
    extensions=problems("run_not_found"),
)
list_datasets = extend_schema(
    operation_id="list_datasets", summary="What can be trained on", tags=["trainings"], responses=DatasetsSerializer
)
