"""``/api/v1/jobs``."""

import uuid

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.http.problems import BadRequest
from api_service.http.serializers import ListQuery, valid
from api_service.jobs import results, schema, selectors, services
from api_service.jobs.errors import JobExpired, ResultsIncomplete
from api_service.jobs.forms import FormParser
from api_service.jobs.models import UNFINISHED, Job, State
from api_service.jobs.results import Csv, JsonLines, Negotiation
from api_service.jobs.serializers import (
    IdempotencySerializer,
    JobSerializer,
    JobsSerializer,
    OptionsSerializer,
    ResultsQuery,
)
from api_service.jobs.uploads import NOTHING_SENT, Upload, WindowsZipParser, ZipParser
from api_service.keys.permissions import is_admin, key_in


class JobsApi(APIView):
    """All jobs of a key."""

    scope = "predict"
    parser_classes = (FormParser, ZipParser, WindowsZipParser)

    @schema.list_jobs
    def get(self, request: Request) -> Response:
        """The jobs that were sent with the key, newest first; with the scope `admin`, those of all."""
        query = valid(ListQuery, request.query_params.dict())
        waiting = selectors.waiting()
        jobs = selectors.newest_first(_whose(request), query["limit"])
        return Response(JobsSerializer({"results": [selectors.summary(job, waiting) for job in jobs]}).data)

    @schema.create_job
    def post(self, request: Request) -> Response:
        """Takes a zip of photos (a raw body, or the file ``archive``) or many photos (files ``images``)."""
        upload = request.data
        if not isinstance(upload, Upload):
            raise BadRequest(NOTHING_SENT)
        try:
            options = valid(OptionsSerializer, upload.fields | request.query_params.dict())
            job, is_new = services.submit(_sender(request), upload, idempotency_key=_name(request), **options)
        finally:
            upload.discard()
        answer = JobSerializer(selectors.summary(job, selectors.waiting())).data
        return Response(answer, status=202 if is_new else 200, headers={"Location": f"/api/v1/jobs/{job.id}"})


class JobApi(APIView):
    """One job."""

    scope = "predict"

    @schema.get_job
    def get(self, request: Request, identity: uuid.UUID) -> Response:
        """How far it is, or how it ended."""
        job = selectors.find(_whose(request), identity)
        if job.state in UNFINISHED and services.is_here(job):
            services.ensure_worker()  # The one that was there may have died.
        return Response(JobSerializer(selectors.summary(job, selectors.waiting())).data)

    @schema.delete_job
    def delete(self, request: Request, identity: uuid.UUID) -> Response:
        """Cancels a job that has not ended; its rows so far can be had until it expires. Removes one that has ended."""
        job = selectors.find(_whose(request), identity)
        if not services.end(job):
            return Response(status=204)
        return Response(JobSerializer(selectors.summary(job, [])).data, status=202)


class ResultsApi(APIView):
    """A job's rows."""

    scope = "predict"
    renderer_classes = (JsonLines, Csv)
    content_negotiation_class = Negotiation

    @schema.get_job_results
    def get(self, request: Request, identity: uuid.UUID) -> StreamingHttpResponse:
        """A row for each photo, in the order sent: the fields of a prediction, or an error."""
        query = valid(ResultsQuery, request.query_params.dict())
        job = selectors.find(_whose(request), identity)
        services.require_here(job)
        _require_results(job, query["partial"])
        form = request.accepted_renderer
        lines = results.csv_lines(job) if isinstance(form, Csv) else results.json_lines(job)
        headers = {"Job-State": job.state, "Content-Disposition": f'attachment; filename="{job.id}.{form.format}"'}
        return StreamingHttpResponse(lines, content_type=f"{form.media_type}; charset=utf-8", headers=headers)


def _require_results(job: Job, is_partial_enough: bool) -> None:
    if job.state == State.EXPIRED:
        raise JobExpired("The job's results were removed when their time was over.")
    if job.state != State.DONE and not is_partial_enough:
        raise ResultsIncomplete(
            f"The job is {job.state}, with {job.done} of {job.total} rows. Add partial=true to have those."
        )


def _sender(request: Request) -> str:
    key = key_in(request)
    return key.prefix if key else ""


def _whose(request: Request) -> str | None:
    """Whose jobs a request may see; None: everybody's."""
    return None if is_admin(request) else _sender(request)


def _name(request: Request) -> str | None:
    sent = request.headers.get("Idempotency-Key")
    return valid(IdempotencySerializer, {} if sent is None else {"idempotency_key": sent}).get("idempotency_key")
