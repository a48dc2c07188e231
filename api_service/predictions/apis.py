"""``POST /api/v1/predictions``."""

import time
from typing import Any

from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.http.serializers import valid
from api_service.predictions import schema, services
from api_service.predictions.photos import ImageParser, payloads
from api_service.predictions.serializers import OptionsSerializer


class PredictionsApi(APIView):
    """Says what is being done in photos."""

    scope = "predict"
    parser_classes = (MultiPartParser, JSONParser, ImageParser)

    @schema.create_prediction
    def post(self, request: Request) -> Response:
        """Takes one photo (field ``image``, JSON ``image`` or a raw body) or several (fields ``images``)."""
        started = time.perf_counter()
        options = valid(OptionsSerializer, request.query_params.dict())
        top_k, explain = options["top_k"], options["explain"]
        photos, many = payloads(request)
        body: dict[str, Any]
        if many:
            results, timings = services.predict_many(photos, top_k, explain)
            body = {"results": results}
        else:
            body, timing = services.predict(photos[0], top_k, explain)
            timings = [timing]
        received = request.META.get("har.received", started)
        return Response(body, headers={"Server-Timing": _server_timing(timings, received, started)})


def _server_timing(timings: list[services.Timing], received: float, started: float) -> str:
    """Milliseconds by phase, of several photos the sums, in the W3C's form."""
    wait, decode, model = (sum(phase) for phase in zip(*timings, strict=True))
    phases = {
        "wait": ("Waiting for a turn", wait + started - received),
        "decode": ("From bytes to pixels", decode),
        "model": ("From pixels to the answer", model),
        "total": ("From request to answer", time.perf_counter() - received),
    }
    return ", ".join(f'{name};desc="{text}";dur={seconds * 1e3:.2f}' for name, (text, seconds) in phases.items())
