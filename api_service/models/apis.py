"""``/api/v1/labels`` and ``/api/v1/models``."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.models import services
from har_core import serving
from har_core.bundle import BundleInfo


class LabelsApi(APIView):
    """The labels that the model in service can give."""

    scope = None

    def get(self, request: Request) -> Response:
        """Labels in the order of the network's outputs, and the model they belong to."""
        del request
        info = services.predictor().bundle.info
        return Response({"labels": info.labels, "model": {"name": info.name, "version": info.version}})


class ModelsApi(APIView):
    """All models."""

    scope = None

    def get(self, request: Request) -> Response:
        """The models here, newest version first; ``in_service`` marks the one that answers."""
        del request
        good, _ = serving.bundles()
        served = services.served()
        return Response({"results": [_summary(bundle.info, served) for bundle in good]})


class ModelApi(APIView):
    """One model."""

    scope = None

    def get(self, request: Request, version: str) -> Response:
        """One model by ``NAME@VERSION``."""
        del request
        good, _ = serving.bundles()
        for bundle in good:
            if version == bundle.reference:
                facts = _summary(bundle.info, services.served())
                return Response(facts | {"recipe": bundle.info.recipe, "dataset": bundle.info.dataset})
        raise Http404


def _summary(info: BundleInfo, served: BundleInfo | None) -> dict[str, Any]:
    return {
        "name": info.name,
        "version": info.version,
        "labels": info.labels,
        "input_size": info.input_size,
        "created": info.created,
        "evaluation": info.evaluation.model_dump(),
        "in_service": served is not None and (info.name, info.version) == (served.name, served.version),
    }
