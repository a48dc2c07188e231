"""``/api/v1/trainings`` and ``/api/v1/datasets``."""

from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.http.serializers import ListQuery, valid
from api_service.trainings import schema, services
from api_service.trainings.serializers import (
    DatasetsSerializer,
    LogSerializer,
    NewTrainingSerializer,
    TrainingDetailsSerializer,
    TrainingSerializer,
    TrainingsSerializer,
)
from training import runs


class TrainingsApi(APIView):
    """All trainings."""

    scope = "train"
    parser_classes = (JSONParser,)

    @schema.list_trainings
    def get(self, request: Request) -> Response:
        """The trainings, newest first."""
        query = valid(ListQuery, request.query_params.dict())
        return Response(TrainingsSerializer({"results": services.summaries(query["limit"])}).data)

    @schema.create_training
    def post(self, request: Request) -> Response:
        """Puts a training into the queue: ``{"recipe": "quick", "dataset": "mine", "changes": ["seed=1"]}``."""
        run = services.submit(**valid(NewTrainingSerializer, request.data))
        location = {"Location": f"/api/v1/trainings/{run.id}"}
        return Response(TrainingSerializer(services.summary(run)).data, status=202, headers=location)


class TrainingApi(APIView):
    """One training."""

    scope = "train"
    parser_classes = (JSONParser,)

    @schema.get_training
    def get(self, request: Request, name: str) -> Response:
        """How far it is, or how it ended, with the figures of each epoch."""
        del request
        return Response(TrainingDetailsSerializer(services.details(runs.find(name))).data)

    @schema.cancel_training
    def delete(self, request: Request, name: str) -> Response:
        """Stops it; what it has learnt so far is kept."""
        del request
        run = runs.find(name)
        run.cancel()
        return Response(TrainingSerializer(services.summary(run)).data, status=202)


class ResumeApi(APIView):
    """A training's second chance."""

    scope = "train"
    parser_classes = (JSONParser,)

    @schema.resume_training
    def post(self, request: Request, name: str) -> Response:
        """Has a training that was stopped, was interrupted or failed go on where it stopped."""
        del request
        run = runs.find(name)
        services.resume(run)
        return Response(TrainingSerializer(services.summary(run)).data, status=202)


class LogApi(APIView):
    """What a training printed."""

    scope = "train"

    @schema.get_training_log
    def get(self, request: Request, name: str) -> Response:
        """The last lines."""
        query = valid(ListQuery, request.query_params.dict())
        return Response(LogSerializer({"lines": runs.find(name).log(query["limit"])}).data)


class DatasetsApi(APIView):
    """What can be trained on."""

    scope = "train"

    @schema.list_datasets
    def get(self, request: Request) -> Response:
        """The datasets with their sizes, splits and labels."""
        del request
        return Response(DatasetsSerializer({"results": services.datasets()}).data)
