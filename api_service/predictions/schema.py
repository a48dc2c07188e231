"""How ``POST predictions`` is described: four forms of a body, two of an answer."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers

from api_service.documentation.openapi import problems
from api_service.models.schema import MODEL_PROBLEMS
from api_service.predictions.serializers import (
    FailedPredictionSerializer,
    OptionsSerializer,
    PredictionSerializer,
)

# What a photo's file can be refused for.
IMAGE_PROBLEMS = (
    "empty_image",
    "image_too_large",
    "too_many_pixels",
    "not_an_image",
    "unsupported_format",
    "truncated_image",
    "corrupt_image",
)
FILE = {"type": "string", "format": "binary"}
BASE64 = {
    "type": "string",
    "contentEncoding": "base64",
    "description": "A photo's file in Base64, alone or as a data URL.",
}
# A cyclist of 24 by 24 pixels, as WebP.
_CYCLIST = (
    "UklGRnwAAABXRUJQVlA4IHAAAADwBACdASoYABgAP3GiyVo0q6ikKA1SkC4JZADE2A9n77+1RBr90Kid7cmKJTjNOAAA/FGTSXtQRNOwR6dycR+E0gZo"
    "z8vHiySFYW/hsI+D06xa1kAEjk60IOLlrmdXT95xnWD+Eb9V/lRDkqcupAAA"
)

_MULTIPART: dict[str, Any] = {
    "type": "object",
    "properties": {
        "image": FILE | {"description": "One photo."},
        "images": {
            "type": "array",
            "items": FILE,
            "minItems": 1,
            "description": "Several photos, each a part of its own.",
        },
    },
    "oneOf": [
        {"type": "object", "title": "One photo", "required": ["image"]},
        {"type": "object", "title": "Several photos", "required": ["images"]},
    ],
}
_ANSWER = {
    "id": "0b7f3f5e-6d0c-4f0e-9d3a-2f6f1d1c8a53",
    "label": "cycling",
    "confidence": 0.968,
    "decision": "sure",
    "predictions": [
        {"label": "cycling", "score": 0.968},
        {"label": "running", "score": 0.011},
        {"label": "walking", "score": 0.006},
    ],
    "model": {"name": "everyday", "version": 3},
    "timing_ms": 9.8,
}


class PredictionsSerializer(serializers.Serializer[None]):
    """The answers for several photos, in the order sent; a bad photo spoils only its own row."""

    results = PolymorphicProxySerializer(
        component_name="PredictionRow",
        serializers=[PredictionSerializer, FailedPredictionSerializer],
        resource_type_field_name=None,
        many=True,
    )


create_prediction = extend_schema(
    operation_id="create_prediction",
    summary="Recognise what is being done in photos",
    tags=["predictions"],
    parameters=[
        OptionsSerializer,
        OpenApiParameter(
            "Server-Timing", str, "header", response=[200], required=True, description="Milliseconds by phase."
        ),
    ],
    request={
        "multipart/form-data": OpenApiRequest(
            _MULTIPART, examples=[OpenApiExample("photo", {"image": "cycling.jpg"}, summary="A photo's file")]
        ),
        "image/*": FILE | {"description": "A photo's file."},
        "application/json": OpenApiRequest(
            {"type": "object", "properties": {"image": BASE64}, "required": ["image"]},
            examples=[OpenApiExample("photo", {"image": _CYCLIST}, summary="A photo in Base64")],
        ),
    },
    responses=PolymorphicProxySerializer("PredictionAnswer", [PredictionSerializer, PredictionsSerializer], None),
    examples=[
        OpenApiExample("one", _ANSWER, response_only=True, summary="For one photo"),
        OpenApiExample(
            "many",
            {
                "results": [
                    _ANSWER,
                    {
                        "error": {
                            "code": "not_an_image",
                            "message": "The file is no image in a format that is known here.",
                        }
                    },
                ]
            },
            response_only=True,
            summary="For several photos",
        ),
    ],
    extensions=problems(*IMAGE_PROBLEMS, "too_many_images", *MODEL_PROBLEMS),
)
