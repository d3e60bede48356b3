"""The OpenAPI document: made of the operations by FastAPI, when somebody asks for it first.

Nothing else here needs FastAPI, which takes 90 ms and 6 MB to load: an idle process does without it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from foldgate.gateway.http.operations import Operation, Parameter
from foldgate.gateway.http.problems import CODES, MEDIA_TYPE, ProblemDocument
from foldgate.identity.api_keys import TENANT
from foldgate.identity.roles import MEANING

_EVERYWHERE = (
    *("malformed_request", "invalid_header", "unauthenticated", "forbidden", "foreign_tenant", "foreign_page"),
    *("foreign_host", "too_slow", "url_too_long", "too_fast", "overloaded", "headers_too_large", "internal_error"),
    *("database_unavailable", "issuer_unavailable", "too_many_connections"),
)
_WITH_BODY = ("malformed_json", "body_too_large", "unsupported_encoding", "invalid_body")
_REF = "#/components/schemas/{model}"
_TENANT = Parameter(
    "X-Tenant-ID",
    "header",
    "Whose objects are meant. If it is not sent: the only tenant of the key, else 'default'.",
    f"^({TENANT.pattern})$",
)
_TEXT = "^[^\\x00]*$"
"""What a parameter of a query is at least."""
_JSON_REF = {"$ref": _REF.format(model="Json")}
_JSON = {
    "title": "Json",
    "description": "Any JSON whose whole numbers have at most 64 bits.",
    "anyOf": [
        {"type": ["string", "boolean", "null"]},
        {"type": "number", "minimum": -(2**63), "maximum": 2**64 - 1},
        {"type": "array", "items": _JSON_REF},
        {"type": "object", "additionalProperties": _JSON_REF},
    ],
}
_SAYS_WHAT = {"type", "$ref", "anyOf", "allOf", "oneOf", "enum", "const"}
_BINARY = "application/octet-stream"
_BYTES = {_BINARY: {"schema": {"type": "string", "format": "binary"}}}
_KEYS = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}
"""One of them is to be sent where the suite has a key. The role that an operation needs stands beside them."""


class OpenApi:
    """Serves the document."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self._made: bytes | None = None

    async def show(self, _: Request) -> Response:
        """The document; made beside the event loop, because everything else goes on."""
        if self._made is None:
            self._made = msgspec.json.encode(await asyncio.to_thread(document, self._operations))
        return Response(self._made, media_type="application/json")


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI document of these operations."""
    from fastapi import FastAPI

    api = FastAPI(
        title="Foldgate", version=version("foldgate"), summary="Runs workflows; every side effect authorised."
    )
    schemas: dict[str, Any] = {"Problem": ProblemDocument.model_json_schema(), "Json": _JSON}
    for operation in operations:
        success = min(operation.answers)
        api.add_api_route(
            operation.path,
            operation.endpoint,
            methods=[operation.method],
            status_code=success,
            summary=operation.summary,
            description=f"Needs the role `{operation.role}`: {MEANING[operation.role]}.",
            tags=[operation.area],
            operation_id=operation.endpoint.__qualname__.replace(".", "_").lower(),
            response_model=operation.answers[success].model,
            responses={**_answers(operation), **_problems(operation)},
            openapi_extra={
                "parameters": [_parameter(one) for one in (*operation.parameters, _TENANT)],
                "security": [{name: [operation.role]} for name in _KEYS],
                **_body(operation, schemas),
            },
        )
    made = api.openapi()
    made["components"]["schemas"].update(schemas)
    made["components"]["securitySchemes"] = _KEYS
    return {**made, "security": [{name: []} for name in _KEYS]}


def _answers(operation: Operation) -> dict[int | str, dict[str, Any]]:
    return {
        code: {
            "description": said.description,
            **({"model": said.model} if said.model is not None else _content(said.media_type)),
        }
        for code, said in operation.answers.items()
    }


def _content(media_type: str) -> dict[str, Any]:
    """What is no JSON."""
    if not media_type:
        return {}
    shape = {"format": "binary"} if media_type == _BINARY else {}
    return {"content": {media_type: {"schema": {"type": "string", **shape}}}}


def _problems(operation: Operation) -> dict[int | str, dict[str, Any]]:
    elsewhere = ("not_found",) if "{" in operation.path else ()  # an id with a slash leads there
    with_body = _WITH_BODY if operation.body else ()
    codes = dict.fromkeys((*_EVERYWHERE, *with_body, *elsewhere, *operation.problems))
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(CODES[code].status, []).append(code)
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return {status: {"description": ", ".join(same), "content": content} for status, same in sorted(by_status.items())}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required or parameter.place == "path",
        "description": parameter.description,
        "schema": _schema_of(parameter),
    }


def _schema_of(parameter: Parameter) -> dict[str, Any]:
    pattern = parameter.pattern or ("" if parameter.format or parameter.place != "query" else _TEXT)
    said = {"pattern": pattern, "format": parameter.format}
    return {"type": "string", **{name: text for name, text in said.items() if text}}


def _exact(schema: Any) -> Any:
    """The schema; where it takes any JSON, with what that is here."""
    if isinstance(schema, list):
        return [_exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _exact(one) for name, one in schema.items()}
    if "patternProperties" in made:  # which by itself says nothing of names that do not fit
        made.setdefault("additionalProperties", False)
    if isinstance(properties := made.get("properties"), dict):
        for one in properties.values():
            if not _SAYS_WHAT & one.keys():
                one["$ref"] = _JSON_REF["$ref"]
    return made


def _body(operation: Operation, schemas: dict[str, Any]) -> Mapping[str, Any]:
    if operation.takes_bytes:
        return {"requestBody": {"required": True, "content": _BYTES}}
    if operation.body is None:
        return {}
    schema = operation.body.model_json_schema(ref_template=_REF)
    schemas.update(_exact(schema.pop("$defs", {})))
    schemas[schema["title"]] = _exact(schema)
    form = {"$ref": _REF.format(model=schema["title"])}
    if not operation.or_any_without:
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": form}}}}
    looks_so = {"type": "object", "anyOf": [{"required": [name]} for name in operation.or_any_without]}
    either = {"anyOf": [form, {"allOf": [_JSON_REF], "not": looks_so}]}
    return {"requestBody": {"required": False, "content": {"application/json": {"schema": either}}}}
