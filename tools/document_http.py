"""The text of docs/reference/http.md: every operation of the API, from its description in docs/api/openapi.yaml."""

from collections.abc import Iterator
from typing import Any

import yaml

from har_core.config import PROJECT_ROOT

REFERENCE = PROJECT_ROOT / "docs" / "reference" / "http.md"
_DESCRIPTION = PROJECT_ROOT / "docs" / "api" / "openapi.yaml"

_HEAD = """# HTTP API

<!-- Written by `python -m tools.document` from docs/api/openapi.yaml, which is written from the code. -->

Every operation, with what it takes and which errors it can answer with; fields in brackets may be absent. [Use the
API](../api/README.md) shows them at work, [errors](errors.md) says what to do about each code, and
[openapi.yaml](../api/openapi.yaml) is the description for programs. A running API has a page to try each operation out:
`/api/docs`.

"""
Fields = dict[str, Any]


def text() -> str:
    """The whole page."""
    document = yaml.safe_load(_DESCRIPTION.read_text("utf-8"))
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    parts = [_HEAD, "| operation | |\n| --- | --- |\n"]
    for tag in tags:
        for name, operation in _operations(document, tag):
            parts.append(f"| [`{name}`](#{operation['operationId']}) | {operation['summary']} |\n")
    for tag, said in tags.items():
        parts.append(f"\n## {tag.capitalize()}\n\n{said}\n")
        parts += [_section(name, operation, document) for name, operation in _operations(document, tag)]
    return "".join(parts)


def _operations(document: Fields, tag: str) -> Iterator[tuple[str, Fields]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] == tag:
                yield f"{method.upper()} {path}", operation


def _section(name: str, operation: Fields, document: Fields) -> str:
    head = f'\n### <a id="{operation["operationId"]}"></a>`{name}`\n\n'
    parts = [head, f"**{operation['summary']}.** {operation.get('description', '').strip()}\n"]
    parameters = [_resolved(each, document) for each in operation.get("parameters", [])]
    if parameters:
        parts.append("\n| parameter | in | value | |\n| --- | --- | --- | --- |\n")
        parts += [_row(f"`{each['name']}`", each["in"], _value(each["schema"]), _said(each)) for each in parameters]
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        parts.append("\n| body | fields |\n| --- | --- |\n")
        parts += [_row(f"`{kind}`", _fields(body["schema"], document)) for kind, body in content.items()]
    parts.append("\n| answer | |\n| --- | --- |\n")
    for status, answer in operation["responses"].items():
        parts.append(_row(str(status), _answer(_resolved(answer, document), document)))
    return "".join(parts)


def _answer(answer: Fields, document: Fields) -> str:
    content = answer.get("content", {})
    if "application/problem+json" in content:
        return answer["description"].partition(": ")[2].rstrip(".")
    if "application/json" not in content:
        return ", ".join(f"`{kind}`" for kind in content) or answer["description"]
    return _fields(content["application/json"]["schema"], document) or answer["description"]


def _fields(schema: Fields, document: Fields) -> str:
    """The names of an object's fields; those that may be absent are in brackets."""
    schema = _resolved(schema, document)
    if schema.get("type") == "array":
        return f"a list of {_fields(schema['items'], document)}"
    if "properties" not in schema:
        choices = [_fields(each, document) for each in schema.get("oneOf") or schema.get("anyOf") or []]
        return "; or ".join(filter(None, choices)) or schema.get("description", "")
    required = schema.get("required", list(schema["properties"]))
    return ", ".join(f"`{name}`" if name in required else f"(`{name}`)" for name in schema["properties"])


def _resolved(schema: Fields, document: Fields) -> Fields:
    while "$ref" in schema:
        found: Any = document
        for key in schema["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        schema = found
    return schema


def _value(schema: Fields) -> str:
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    default = [f"default `{str(schema['default']).lower()}`"] if "default" in schema else []
    return ", ".join([str(schema.get("format") or schema.get("type") or "text"), *bounds, *default])


def _said(parameter: Fields) -> str:
    return parameter.get("description", "").replace("\n", " ") + (" Required." if parameter.get("required") else "")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |\n"
