"""``/api/v1/promotions`` and ``/api/v1/rollbacks``."""

from typing import ClassVar

from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_service.http.serializers import ListQuery, valid
from api_service.keys.permissions import key_in
from api_service.promotions import schema, services
from api_service.promotions.serializers import (
    HistoryEntrySerializer,
    HistorySerializer,
    PromotionSerializer,
    RollbackSerializer,
)
from har_core import serving


class PromotionsApi(APIView):
    """Which model is in service, and how it came to be."""

    scopes: ClassVar = {"GET": None, "POST": "admin"}
    parser_classes = (JSONParser,)

    @schema.list_promotions
    def get(self, request: Request) -> Response:
        """The history, newest first: who put which model in service, when, why, and what was examined."""
        query = valid(ListQuery, request.query_params.dict())
        entries = serving.history()[: query["limit"]]
        return Response(HistorySerializer({"results": entries}).data)

    @schema.create_promotion
    def post(self, request: Request) -> Response:
        """Examines a model and puts it in service; refused with what was examined where a check fails."""
        wanted = valid(PromotionSerializer, request.data)
        entry = services.promote(who=_asker(request), **wanted)
        return Response(HistoryEntrySerializer(entry).data, status=201)


class RollbacksApi(APIView):
    """The way back."""

    scope = "admin"
    parser_classes = (JSONParser,)

    @schema.create_rollback
    def post(self, request: Request) -> Response:
        """Goes back to the model that was in service before the last promotion, once its files are verified."""
        wanted = valid(RollbackSerializer, request.data)
        entry = services.roll_back(_asker(request), **wanted)
        return Response(HistoryEntrySerializer(entry).data, status=201)


def _asker(request: Request) -> str:
    """How the history names whose request it is."""
    key = key_in(request)
    return f"API key {key.name} ({key.prefix})" if key else "API"
