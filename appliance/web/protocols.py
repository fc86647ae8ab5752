"""Protocol documents: form and recordings, as installed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.bootstrap import Appliance
from appliance.core.ids import ProtocolId
from appliance.core.installed_protocol import InstalledProtocol
from appliance.web.described import TakesHeader, may_fail, not_modified, reads
from appliance.web.requests import BoxRequest

_IF_NONE_MATCH: Final = TakesHeader(name="If-None-Match", meaning="The ETag of the copy at hand")


class ProtocolController(Controller):
    """Documents never change under their id, so a client asks for them once."""

    path = "/v1/protocols"
    tags = ("protocols",)

    @get(
        "/current",
        opt=reads(_IF_NONE_MATCH),
        responses=may_fail(401, 404) | not_modified(),
        sync_to_thread=True,
    )
    def current(
        self, request: BoxRequest, appliance: NamedDependency[Appliance]
    ) -> Response[dict[str, Any]]:
        """Return the document new work begins under."""
        return _document(appliance.protocols.active_protocol(), request)

    @get(
        "/{protocol_id:str}",
        opt=reads(_IF_NONE_MATCH),
        responses=may_fail(401, 404) | not_modified(),
        sync_to_thread=True,
    )
    def show(
        self,
        protocol_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> Response[dict[str, Any]]:
        """Return an installed document, byte for byte."""
        return _document(appliance.protocols.protocol(ProtocolId(protocol_id)), request)


def _document(installed: InstalledProtocol, request: BoxRequest) -> Response[Any]:
    """Return the document, or 304 to a client that has it."""
    tag = f'"{installed.sha256}"'
    # Not "no-store": a document holds nothing of patients, and a tablet keeps its copy.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {text.strip().removeprefix("W/") for text in _if_none_match(request).split(",")}
    if tag in known or "*" in known:
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(installed.document, media_type="application/json", headers=headers)


def _if_none_match(request: BoxRequest) -> str:
    return request.headers.get("if-none-match", "")
