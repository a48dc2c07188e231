"""``POST /api/v1/feedback``."""

from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.feedback import services
from api_service.feedback.serializers import FeedbackSerializer
from api_service.http.problems import BadRequest
from api_service.predictions.apis import payloads

_FIELDS = {"photo", "verdict", "label", "predicted", "confidence", "decision", "model", "prediction_id", "status"}


class FeedbackApi(APIView):
    """Takes what people say of answers."""

    parser_classes = (MultiPartParser, JSONParser)
    scope = "feedback"

    def post(self, request: Request) -> Response:
        """Takes ``{"prediction_id": …, "verdict": "wrong", "label": "running"}``, or an ``image`` instead of the id."""
        services.require_on()
        said = FeedbackSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        label, prediction_id = said.validated_data.get("label"), said.validated_data.get("prediction_id")
        if prediction_id and "image" in request.data:
            raise BadRequest('Send either "prediction_id" or "image".')
        if prediction_id:
            entry = services.on_answer(prediction_id, label)
        else:
            photos, many = payloads(request)
            if many:
                raise BadRequest('Feedback is about one photo: send it as "image".')
            entry = services.on_photo(photos[0], label)
        return Response(entry.model_dump(include=_FIELDS), status=201)
