"""``/healthz`` and ``/readyz``."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.documentation.openapi import problems
from api_service.health import services
from api_service.models.schema import MODEL_PROBLEMS
from api_service.models.serializers import ModelReferenceSerializer


class HealthSerializer(serializers.Serializer[None]):
    """The process is up."""

    status = serializers.ChoiceField(choices=["ok"])


class ReadinessSerializer(serializers.Serializer[None]):
    """The process can classify photos."""

    status = serializers.ChoiceField(choices=["ready"])
    model = ModelReferenceSerializer(help_text="Which model answers.")


class HealthApi(APIView):
    """Whether the process is up."""

    authentication_classes = permission_classes = ()

    @extend_schema(
        operation_id="check_health", summary="Whether the process is up", tags=["operation"], responses=HealthSerializer
    )
    def get(self, request: Request) -> Response:
        """Always 200 while the process answers at all."""
        del request
        return Response({"status": "ok"})


class ReadyApi(APIView):
    """Whether the process can classify photos."""

    authentication_classes = permission_classes = ()

    @extend_schema(
        operation_id="check_readiness",
        summary="Whether photos can be classified",
        tags=["operation"],
        responses=ReadinessSerializer,
        extensions=problems("model_loading", *MODEL_PROBLEMS, "database_unreachable", "database_not_migrated"),
    )
    def get(self, request: Request) -> Response:
        """200 when the model is loaded and warm, and the database is there; else 503 with the reason."""
        del request
        info = services.ready()
        return Response({"status": "ready", "model": {"name": info.name, "version": info.version}})
