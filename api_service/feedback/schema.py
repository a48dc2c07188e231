"""How feedback is described."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from api_service.documentation.openapi import problems
from api_service.feedback.serializers import (
    FeedbackEntriesSerializer,
    FeedbackEntrySerializer,
    FeedbackQuery,
    ReviewSerializer,
)
from api_service.models.schema import MODEL_PROBLEMS
from api_service.predictions.schema import BASE64, FILE, IMAGE_PROBLEMS

_PHOTO = OpenApiParameter("photo", str, "path", description="SHA-256 of the photo's bytes: the entry's name.")


def _feedback(image: dict[str, Any]) -> dict[str, Any]:
    """What is said of an answer, or of a photo in this form."""
    return {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["right", "wrong"], "description": "Of the model's answer."},
            "label": {
                "type": "string",
                "maxLength": 1000,
                "description": "What is being done. It comes with `wrong`, and with `wrong` alone.",
            },
            "prediction_id": {
                "type": "string",
                "maxLength": 100,
                "description": "The id of an answer of the last minutes.",
            },
            "image": image,
        },
        "required": ["verdict"],
        "oneOf": [
            {"type": "object", "title": "Of an answer", "required": ["prediction_id"]},
            {"type": "object", "title": "Of a photo", "required": ["image"]},
        ],
    }


list_feedback = extend_schema(
    operation_id="list_feedback",
    summary="What people said",
    tags=["feedback"],
    parameters=[FeedbackQuery],
    responses=FeedbackEntriesSerializer,
)
create_feedback = extend_schema(
    operation_id="create_feedback",
    summary="Say whether an answer is right",
    tags=["feedback"],
    request={
        "application/json": _feedback(BASE64),
        "multipart/form-data": _feedback(FILE | {"description": "The photo."}),
    },
    responses={201: FeedbackEntrySerializer},
    examples=[
        OpenApiExample(
            "wrong",
            {"prediction_id": "0b7f3f5e-6d0c-4f0e-9d3a-2f6f1d1c8a53", "verdict": "wrong", "label": "running"},
            summary="It is something else",
            media_type="application/json",
            request_only=True,
        ),
    ],
    extensions=problems(
        *IMAGE_PROBLEMS,
        "too_many_images",
        *MODEL_PROBLEMS,
        "prediction_not_found",
        "label_invalid",
        "feedback_off",
        "feedback_added",
        "feedback_full",
        "feedback_error",
    ),
)
get_feedback = extend_schema(
    operation_id="get_feedback",
    summary="What was said of a photo",
    tags=["feedback"],
    parameters=[_PHOTO],
    responses=FeedbackEntrySerializer,
    extensions=problems("feedback_not_found"),
)
delete_feedback = extend_schema(
    operation_id="delete_feedback",
    summary="Take it back",
    tags=["feedback"],
    parameters=[_PHOTO],
    responses={204: None},
    extensions=problems("feedback_not_found", "feedback_added"),
)
review_feedback = extend_schema(
    operation_id="review_feedback",
    summary="Review it",
    tags=["feedback"],
    parameters=[_PHOTO],
    request=ReviewSerializer,
    responses=FeedbackEntrySerializer,
    examples=[OpenApiExample("accept", {"status": "accepted", "label": "running"}, request_only=True)],
    extensions=problems("feedback_not_found", "feedback_added", "label_invalid"),
)
get_feedback_image = extend_schema(
    operation_id="get_feedback_image",
    summary="The photo that it is about",
    tags=["feedback"],
    parameters=[_PHOTO],
    responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    extensions=problems("feedback_not_found"),
)
