"""``/api/v1/trainings``."""

from typing import Any

from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.trainings import services
from api_service.trainings.serializers import TrainingSerializer
from training import runs


class TrainingsApi(APIView):
    """All trainings."""

    scope = "train"
    parser_classes = (JSONParser,)

    def get(self, request: Request) -> Response:
        """The trainings, newest first."""
        del request
        return Response({"results": services.summaries()})

    def post(self, request: Request) -> Response:
        """Puts a training into the queue: ``{"recipe": "quick", "dataset": "mine", "changes": ["seed=1"]}``."""
        wanted = TrainingSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        run = services.submit(**wanted.validated_data)
        location = {"Location": f"/api/v1/trainings/{run.id}"}
        return Response(services.summary(run), status=202, headers=location)


class TrainingApi(APIView):
    """One training."""

    scope = "train"
    parser_classes = (JSONParser,)

    def get(self, request: Request, name: str) -> Response:
        """How far it is, or how it ended, with the figures of each epoch."""
        del request
        return Response(services.details(runs.find(name)))

    def delete(self, request: Request, name: str) -> Response:
        """Stops it; what it has learnt so far is kept."""
        del request
        run = runs.find(name)
        run.cancel()
        body: dict[str, Any] = services.summary(run)
        return Response(body, status=202)
