"""``/api/v1/labels`` and ``/api/v1/models``."""

from typing import TypeVar

from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.vary import vary_on_headers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.config import settings
from api_service.models import schema, services
from api_service.models.serializers import LabelsSerializer, ModelDetailsSerializer, ModelsSerializer

_View = TypeVar("_View", bound=type[APIView])


def revalidated(view: _View) -> _View:
    """Lets clients keep a view's answers if they ask each time whether these still hold, by their ``ETag``."""
    directives = {"no_cache": True} | ({"private": True} if settings().needs_key else {})
    decorators = [cache_control(**directives), vary_on_headers("Authorization")]
    return method_decorator(decorators, name="dispatch")(view)


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
