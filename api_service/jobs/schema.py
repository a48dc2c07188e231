"""How jobs are described."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema

from api_service.documentation.openapi import problems
from api_service.http.serializers import ListQuery
from api_service.jobs.serializers import JobSerializer, JobsSerializer, OptionsSerializer, ResultsQuery
from api_service.predictions.schema import FILE

_IDENTITY = OpenApiParameter("identity", OpenApiTypes.UUID, "path", description="The job's `id`.")
_ARCHIVE_PROBLEMS = (
    "archive_broken",
    "archive_empty",
    "archive_too_large",
    "unsafe_path",
    "link",
    "encrypted",
    "unsupported_compression",
    "image_too_large",
)
_MULTIPART: dict[str, Any] = {
    "type": "object",
    "properties": {
        "archive": FILE | {"description": "A zip of photos."},
        "images": {"type": "array", "items": FILE, "minItems": 1, "description": "Photos, each a part of its own."},
        "top_k": {"type": "integer", "minimum": 1, "maximum": 100, "default": 3},
    },
    "oneOf": [{"required": ["archive"]}, {"required": ["images"]}],
}
_ROW = {
    "path": "day-1/cycling.jpg",
    "label": "cycling",
    "confidence": 0.968,
    "decision": "sure",
    "predictions": [{"label": "cycling", "score": 0.968}, {"label": "running", "score": 0.011}],
    "model": {"name": "everyday", "version": 3},
}

list_jobs = extend_schema(
    operation_id="list_jobs", summary="The jobs", tags=["jobs"], parameters=[ListQuery], responses=JobsSerializer
)
create_job = extend_schema(
    operation_id="create_job",
    summary="Recognise what is being done in very many photos",
    tags=["jobs"],
    parameters=[
        OptionsSerializer,
        OpenApiParameter(
            "Idempotency-Key",
            str,
            "header",
            description="Whatever names this job for the client, a UUID for example: sent again with the same photos "
            "and options, no second job is made.",
        ),
        OpenApiParameter(
            "Location", str, "header", response=[200, 202], required=True, description="Where it is followed."
        ),
    ],
    request={
        "multipart/form-data": OpenApiRequest(
            _MULTIPART, examples=[OpenApiExample("zip", {"archive": "photos.zip"}, summary="A zip of photos")]
        ),
        "application/zip": FILE | {"description": "A zip of photos."},
        "application/x-zip-compressed": FILE | {"description": "A zip of photos."},
    },
    responses={
        202: OpenApiResponse(JobSerializer, "The job waits."),
        200: OpenApiResponse(JobSerializer, "The job that was sent before with this Idempotency-Key."),
    },
    extensions=problems(*_ARCHIVE_PROBLEMS, "idempotency_conflict", "too_many_jobs", "job_storage_full"),
)
get_job = extend_schema(
    operation_id="get_job",
    summary="How far a job is",
    tags=["jobs"],
    parameters=[_IDENTITY],
    responses=JobSerializer,
    extensions=problems("job_not_found"),
)
delete_job = extend_schema(
    operation_id="delete_job",
    summary="Cancel a job, or remove one that has ended",
    tags=["jobs"],
    parameters=[_IDENTITY],
    responses={
        202: OpenApiResponse(JobSerializer, "It had not ended, and is cancelled."),
        204: OpenApiResponse(description="It had ended, and is removed with its files."),
    },
    extensions=problems("job_not_found", "job_elsewhere"),
)
get_job_results = extend_schema(
    operation_id="get_job_results",
    summary="The results of a job",
    tags=["jobs"],
    parameters=[
        _IDENTITY,
        ResultsQuery,
        OpenApiParameter("format", str, enum=["jsonl", "csv"], description="Instead of the header `Accept`."),
        OpenApiParameter(
            "Job-State", str, "header", response=[200], required=True, description="`done`, if these are all rows."
        ),
    ],
    responses={
        (200, "application/x-ndjson"): OpenApiTypes.STR,
        (200, "text/csv"): OpenApiTypes.STR,
    },
    examples=[OpenApiExample("row", _ROW, response_only=True, summary="A line", media_type="application/x-ndjson")],
    extensions=problems("job_not_found", "results_incomplete", "job_expired", "job_elsewhere"),
)
