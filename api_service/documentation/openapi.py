"""What each operation is said to answer without its view saying so: problems and headers that many have in common."""

from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from api_service.documentation import codes, examples
from api_service.documentation.codes import Code
from api_service.http.problems import CONTENT_TYPE
from api_service.promotions.serializers import CheckSerializer

# For ``extend_schema(parameters=...)`` where an answer that has not changed is not sent again.
REVALIDATED = [
    OpenApiParameter("If-None-Match", str, "header", description="The `ETag` of an answer that is there already."),
    OpenApiParameter("ETag", str, "header", response=[200], required=True, description="Changes with the content."),
]
_PROBLEMS = "x-problems"
# They have a thread of their own, and are never refused.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}


class ProblemSerializer(serializers.Serializer[None]):
    """What went wrong (RFC 9457). Programs go by `code`; it stays, while the words may change."""

    type = serializers.CharField(help_text="Always `about:blank`: `code` says what it is.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField(min_value=400, max_value=599, help_text="The HTTP status once more.")
    code = serializers.CharField(help_text="What went wrong, for programs.")
    detail = serializers.CharField(help_text="What went wrong, in a sentence for people.")
    request_id = serializers.CharField(help_text="As in the header `X-Request-ID`, and in the server's log.")
    checks = CheckSerializer(many=True, required=False, help_text="Of `promotion_refused`: what was examined.")


def problems(*names: str) -> dict[str, Any]:
    """For ``extend_schema(extensions=...)``: the codes of the problems that are an operation's own."""
    return {_PROBLEMS: names}


class Schema(AutoSchema):
    """Describes an operation; its own problems come through ``problems``, the others follow from its view."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """The operation, with all its answers."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            self._add_example(operation)
            self._add_not_modified(operation["responses"])
            self._add_problems(operation)
            for status, response in operation["responses"].items():
                self._complete(HTTPStatus(int(status)), response)
        return operation

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema has it
        """The view's docstring, as Markdown, and which key it takes."""
        text = super().get_description().replace("``", "`")
        scope = self._scope()
        return f"{text}\n\nWhere keys are needed: one with the scope `{scope}`." if scope else text

    def get_auth(self) -> list[dict[str, list[str]]]:
        """A key with the scope that the view asks for, or none where the API is open."""
        if not self.view.authentication_classes:
            return []
        scope = self._scope()
        return [{"key": [scope] if scope else []}, {}]

    def _scope(self) -> str | None:
        scopes: dict[str, str | None] = getattr(self.view, "scopes", {})
        return scopes.get(self.method, getattr(self.view, "scope", None))

    def _complete(self, status: HTTPStatus, response: dict[str, Any]) -> None:
        """Adds the headers that go with any answer, or with its status; and words where there are none."""
        response["description"] = response["description"] or f"{status.phrase}."
        names = ["X-Request-ID", *_HEADERS.get(status, ())]
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = headers | response.get("headers", {})

    def _add_example(self, operation: dict[str, Any]) -> None:
        answer = examples.ANSWERS.get(operation["operationId"])
        for response in operation["responses"].values():
            if answer and "application/json" in response.get("content", {}):
                response["content"]["application/json"]["example"] = answer

    def _add_not_modified(self, responses: dict[str, Any]) -> None:
        tags = {name: header for name, header in responses.get("200", {}).get("headers", {}).items() if name == "ETag"}
        if tags:
            responses["304"] = {"headers": tags, "description": "Not modified."}

    def _add_problems(self, operation: dict[str, Any]) -> None:
        found = defaultdict(list)
        for name in dict.fromkeys([*self._usual(operation), *operation.pop(_PROBLEMS, ())]):
            code = codes.known()[name]
            found[code.status].append(code)
        operation["responses"] |= {str(status.value): self._answer(found[status]) for status in sorted(found)}

    def _usual(self, operation: dict[str, Any]) -> Iterator[str]:
        """The codes that follow from what kind of operation it is."""
        yield from ("bad_request", "not_acceptable", "internal_error")
        if self.view.authentication_classes:
            yield from ("key_missing", "key_invalid", "rate_limited", "database_unreachable")
        if self._scope():
            yield "scope_missing"
        if self.method not in SAFE_METHODS:
            yield from ("forbidden", "request_timeout", "request_too_large")
        if "requestBody" in operation:
            yield "unsupported_media_type"
        if "requestBody" in operation or any(found["in"] == "query" for found in operation.get("parameters", ())):
            yield from ("malformed_request", "invalid_parameter")
        if "{" in self.path:
            yield "not_found"
        if self.path not in _PROBES:
            yield from ("overloaded", "answer_timeout")

    def _answer(self, found: list[Code]) -> dict[str, Any]:
        """The description of a status: one of these codes, each with an example."""
        names = [code.name for code in found]
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        return {
            "description": found[0].status.phrase + ": " + ", ".join(f"`{name}`" for name in names) + ".",
            "content": {
                CONTENT_TYPE: {
                    "schema": {"allOf": [problem, {"type": "object", "properties": {"code": {"enum": names}}}]},
                    "examples": {code.name: self._example(code) for code in found},
                }
            },
        }

    def _example(self, code: Code) -> dict[str, Any]:
        component = ResolvedComponent(
            code.name, ResolvedComponent.EXAMPLE, {"summary": code.meaning, "value": code.example()}, Code
        )
        self.registry.register_on_missing(component)
        return component.ref
