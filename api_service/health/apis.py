"""``/healthz`` and ``/readyz``."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.health import schema, services


class HealthApi(APIView):
    """Whether the process is up."""

    authentication_classes = permission_classes = throttle_classes = ()

    @schema.check_health
    def get(self, request: Request) -> Response:
        """Always 200 while the process answers at all."""
        del request
        return Response({"status": "ok"})


class ReadyApi(APIView):
    """Whether the process can classify photos."""

    authentication_classes = permission_classes = throttle_classes = ()

    @schema.check_readiness
    def get(self, request: Request) -> Response:
        """200 when the model is loaded and warm, and the database is there; else 503 with the reason."""
        del request
        info = services.ready()
        return Response({"status": "ready", "model": {"name": info.name, "version": info.version}})
