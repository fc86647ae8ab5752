"""The OpenAPI document, and a page of it that needs no script and nobody else's server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from html import escape
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.enums import OpenAPIMediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin

from appliance import __version__
from appliance.web import problems
from appliance.web.described import BODY, HEADERS, LINKS, Link, TakesBody, TakesHeader
from appliance.web.guards import ADMIN
from appliance.web.listing import PARAMETERS

_REF: Final = "#/components/schemas/{name}"
_METHODS: Final = ("get", "put", "post", "delete", "patch")
LISTS: Final = (
    "/v1/users/{user_id}/inferences",
    "/v1/hospitals/{hospital_id}/inferences",
)
"""Paths whose GET takes the parameters of lists."""


class DocumentPlugin(OpenAPIRenderPlugin):
    """The document itself."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the whole document, not only what the framework knows."""
        del openapi_schema
        return msgspec.json.encode(openapi_document(request.app))


class PagePlugin(OpenAPIRenderPlugin):
    """The document as a page to read."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return plain HTML: no script, no style, nothing from elsewhere."""
        del openapi_schema
        return _page(openapi_document(request.app)).encode()


def openapi_config() -> OpenAPIConfig:
    """Return what makes Litestar describe the routes and serve the description to admins."""
    return OpenAPIConfig(
        title="SPIRA appliance",
        version=__version__,
        description="A patient's voice goes in, a pre-diagnosis comes out.",
        use_handler_docstrings=True,
        render_plugins=[
            PagePlugin(path="/"),
            DocumentPlugin(path="/openapi.json", media_type=OpenAPIMediaType.OPENAPI_JSON),
        ],
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            guards=(ADMIN,),
            include_in_schema=False,
            after_request=_no_page_of_the_framework,
        ),
    )


def _no_page_of_the_framework(response: Response[Any]) -> Response[Any]:
    """Return a problem instead of the page the framework has for an unknown address."""
    return problems.not_found() if response.status_code == HTTPStatus.NOT_FOUND else response


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document: what the framework knows, and what handlers add."""
    document = deepcopy(app.openapi_schema.to_schema())
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for path, method, handler in _operations(app):
        operation = document["paths"].get(path, {}).get(method)
        if operation is None:
            continue
        _drop_errors_of_the_framework(operation["responses"])
        said = handler.opt.get(BODY)
        if isinstance(said, TakesBody):
            operation["requestBody"] = _request_body(said, schemas)
        parameters = operation.setdefault("parameters", [])
        _say_what_ids_are(parameters)
        parameters.extend(map(_header_parameter, handler.opt.get(HEADERS, ())))
        if method == "get" and path in LISTS:
            parameters.extend(_list_parameters())
        for link in handler.opt.get(LINKS, ()):
            _add_link(operation, link, document["paths"])
        if handler.opt.get("exclude_from_auth"):
            operation["security"] = []
    return document


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        for method, found in getattr(route, "route_handler_map", {}).items():
            handler = found[0] if isinstance(found, tuple) else found
            yield route.path_format, method.lower(), handler


def _drop_errors_of_the_framework(responses: dict[str, Any]) -> None:
    """Drop what Litestar says of parameters: ours are 422, and problems."""
    for status, response in list(responses.items()):
        if status >= "400" and problems.MEDIA_TYPE not in response["content"]:
            del responses[status]


def _request_body(said: TakesBody, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = said.schema
    if said.shape is not None:
        (schema,), parts = msgspec.json.schema_components([said.shape], ref_template=_REF)
        schemas.update(parts)
    content: dict[str, Any] = {"schema": dict(schema or {})}
    if said.encoding is not None:
        content["encoding"] = dict(said.encoding)
    return {"required": True, "content": {said.media_type: content}}


def _say_what_ids_are(parameters: list[dict[str, Any]]) -> None:
    """Say that ids in paths are UUIDs; protocols have names."""
    for parameter in parameters:
        if parameter["in"] == "path" and parameter["name"] != "protocol_id":
            parameter["schema"] = {"type": "string", "format": "uuid"}


def _header_parameter(said: TakesHeader) -> dict[str, Any]:
    schema = {"type": "string"} if said.pattern is None else _text(said.pattern)
    return {
        "name": said.name,
        "in": "header",
        "description": said.meaning,
        "required": said.required,
        "schema": schema,
    }


def _text(pattern: str) -> dict[str, str]:
    return {"type": "string", "pattern": pattern}


def _list_parameters() -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": dict(schema)}
        for name, schema in PARAMETERS.items()
    ]


def _add_link(operation: dict[str, Any], link: Link, paths: Mapping[str, Any]) -> None:
    """Name a request that may follow, and which of its parameters the answer holds."""
    method, path = link.to.split(" ")
    target = paths[path][method.lower()]["operationId"]
    answer = operation["responses"][str(link.on)]
    answer.setdefault("links", {})[target] = {"operationId": target, "parameters": dict(link.ids)}


def _page(openapi: Mapping[str, Any]) -> str:
    title = escape(openapi["info"]["title"])
    rows = "\n".join(_rows(openapi["paths"]))
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"</head>\n<body>\n<h1>{title} {escape(openapi['info']['version'])}</h1>\n"
        '<p><a href="/schema/openapi.json">openapi.json</a></p>\n<table>\n'
        "<thead><tr><th>Request</th><th>Meaning</th><th>Answers</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</body>\n</html>\n"
    )


def _rows(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in sorted(paths.items()):
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                answers = ", ".join(sorted(operation["responses"]))
                yield (
                    f"<tr><td><code>{method.upper()} {escape(path)}</code></td>"
                    f"<td>{escape(operation.get('description', ''))}</td><td>{answers}</td></tr>"
                )
