"""``/api/v1/labels`` and ``/api/v1/models``."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.http.caching import revalidated
from api_service.models import schema, services
from api_service.models.serializers import LabelsSerializer, ModelDetailsSerializer, ModelsSerializer


@revalidated
class LabelsApi(APIView):
    """The labels that the model in service can give."""

    scope = None

    @schema.list_labels
    def get(self, request: Request) -> Response:
        """Labels in the order of the network's outputs, and the model they belong to."""
        del request
        info = services.predictor().bundle.info
        return Response(LabelsSerializer({"labels": info.labels, "model": info}).data)


@revalidated
class ModelsApi(APIView):
    """All models."""

    scope = None

    @schema.list_models
    def get(self, request: Request) -> Response:
        """The models here, newest version first; ``in_service`` marks the one that answers."""
        del request
        return Response(ModelsSerializer({"results": services.summaries()}).data)


@revalidated
class ModelApi(APIView):
    """One model."""

    scope = None

    @schema.get_model
    def get(self, request: Request, version: str) -> Response:
        """One model by ``NAME@VERSION``: labels, thresholds, figures, recipe, dataset and card."""
        del request
        return Response(ModelDetailsSerializer(services.details(services.find(version))).data)
