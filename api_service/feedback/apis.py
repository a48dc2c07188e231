"""``/api/v1/feedback``."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.feedback import schema, services
from api_service.feedback.serializers import (
    FeedbackEntriesSerializer,
    FeedbackEntrySerializer,
    FeedbackQuery,
    FeedbackSerializer,
    ReviewSerializer,
)
from api_service.http.problems import BadRequest
from api_service.http.serializers import valid
from api_service.predictions.photos import payloads
from har_core import feedback


class FeedbackApi(APIView):
    """What people say of answers."""

    scopes: ClassVar = {"GET": "admin", "POST": "feedback"}
    parser_classes = (MultiPartParser, JSONParser)

    @schema.list_feedback
    def get(self, request: Request) -> Response:
        """The entries that wait for review, or those of another status."""
        query = valid(FeedbackQuery, request.query_params.dict())
        found = services.entries(query["status"])
        shown = found[: query["limit"]]
        return Response(FeedbackEntriesSerializer({"total": len(found), "results": shown}).data)

    @schema.create_feedback
    def post(self, request: Request) -> Response:
        """Takes ``{"prediction_id": …, "verdict": "wrong", "label": "running"}``, or an ``image`` instead of the id."""
        services.require_on()
        said = valid(FeedbackSerializer, request.data)
        label, prediction_id = said.get("label"), said.get("prediction_id")
        if prediction_id and "image" in request.data:
            raise BadRequest('Send either "prediction_id" or "image".')
        if prediction_id:
            entry = services.on_answer(prediction_id, label, services.source(request))
        else:
            photos, many = payloads(request)
            if many:
                raise BadRequest('Feedback is about one photo: send it as "image".')
            entry = services.on_photo(photos[0], label, services.source(request))
        return Response(FeedbackEntrySerializer(entry).data, status=201)


class FeedbackEntryApi(APIView):
    """What was said of one photo."""

    scopes: ClassVar = {"GET": "feedback", "DELETE": "feedback", "PATCH": "admin"}
    parser_classes = (JSONParser,)

    @schema.get_feedback
    def get(self, request: Request, photo: str) -> Response:
        """What one's own key said; with the scope ``admin``, what anybody did."""
        return Response(FeedbackEntrySerializer(services.find(photo, request)).data)

    @schema.delete_feedback
    def delete(self, request: Request, photo: str) -> Response:
        """Takes it back: the photo and all that was said of it are deleted."""
        feedback.forget(services.find(photo, request).photo)
        return Response(status=204)

    @schema.review_feedback
    def patch(self, request: Request, photo: str) -> Response:
        """Reviews it: accepts the photo as an example to learn from, or deletes it."""
        review = valid(ReviewSerializer, request.data)
        if review["status"] == "accepted":
            entry = feedback.accept(photo, review.get("label"))
        else:
            entry = feedback.discard(photo)
        return Response(FeedbackEntrySerializer(entry).data)


class Jpeg(BaseRenderer):
    """What can be had of a photo."""

    media_type, format = "image/jpeg", "jpg"


class FeedbackImageApi(APIView):
    """The photo of an entry."""

    scope = "admin"
    renderer_classes = (Jpeg,)

    @schema.get_feedback_image
    def get(self, request: Request, photo: str) -> HttpResponse:
        """The photo as it is kept: a JPEG of at most 1024 pixels, without metadata. Nothing on the way may keep it."""
        content = feedback.photo(services.find(photo, request).photo)
        return HttpResponse(content, Jpeg.media_type, headers={"Cache-Control": "no-store"})
