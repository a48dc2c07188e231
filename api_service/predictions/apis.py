"""``POST /api/v1/predictions``."""

import base64
import binascii
import time
from typing import Any

from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.http.problems import BadRequest
from api_service.predictions import schema, services
from api_service.predictions.parsers import ImageParser
from api_service.predictions.serializers import OptionsSerializer


class PredictionsApi(APIView):
    """Says what is being done in photos."""

    scope = "predict"
    parser_classes = (MultiPartParser, JSONParser, ImageParser)

    @schema.create_prediction
    def post(self, request: Request) -> Response:
        """Takes one photo (field ``image``, JSON ``image`` or a raw body) or several (fields ``images``)."""
        started = time.perf_counter()
        options = OptionsSerializer(data=request.query_params.dict())
        options.is_valid(raise_exception=True)
        top_k, explain = options.validated_data["top_k"], options.validated_data["explain"]
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


def payloads(request: Request) -> tuple[list[bytes], bool]:
    """The photos in a request, and whether it asked for an answer for many.

    Raises:
        BadRequest: There is none, or they come in a way that is not understood.
    """
    body = request.data
    if isinstance(body, bytes):
        return [body], False
    if request.FILES:
        return _from_files(request)
    if isinstance(body, dict) and isinstance(body.get("image"), str) and "json" in (request.content_type or ""):
        return [_from_base64(body["image"])], False
    raise BadRequest(
        'There is no image in the request. Send a multipart file field "image" (or several "images"), '
        'a raw body with the type "image/jpeg" or like, or JSON {"image": "<base64>"}.'
    )


def _from_files(request: Request) -> tuple[list[bytes], bool]:
    unknown = sorted(set(request.FILES) - {"image", "images"})
    if unknown:
        raise BadRequest(f'The file field is called "{unknown[0][:50]}"; call it "image" (one) or "images" (many).')
    single, many = request.FILES.getlist("image"), request.FILES.getlist("images")
    if (many and single) or len(single) > 1:
        raise BadRequest('Send one file as "image", or several, all of them as "images".')
    return [file.read() for file in many or single], bool(many)


def _from_base64(text: str) -> bytes:
    _, comma, encoded = text.partition(",") if text.startswith("data:") else ("", "", text)
    del comma
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest('The field "image" is not valid base64.') from None
