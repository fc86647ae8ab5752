"""The web app of the tablets: built files, read once, and served as they are."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from appliance.core.errors import AppNotBuilt
from appliance.web.requests import BoxRequest

PAGE: Final = "/index.html"
HOME: Final = "/"
WORKER: Final = "/sw.js"
LEAVING: Final = "/sw-leave.js"
"""What stands in the worker's place where tablets are to keep no copy of the app."""

IMMUTABLE: Final = "/assets/"
"""Names below it carry a digest of their content, so that a copy never grows old."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
"""Ending of a name -> what it is; a file of any other kind is not served."""

_COMPRESSED_ALREADY: Final = frozenset({"png", "woff2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file of the app.

    Attributes:
        packed: the same, gzipped; None where that gains nothing.
        tag: its ETag.
        lasting: whether a copy may be used without asking again.
    """

    content: bytes
    packed: bytes | None
    media_type: str
    tag: str
    lasting: bool


def built_app(*, offline: bool) -> Mapping[str, Asset]:
    """Return the files that were built into this installation, as `read_app` does."""
    return read_app(files("appliance") / "ui", offline=offline)


def read_app(directory: Traversable, *, offline: bool = True) -> Mapping[str, Asset]:
    """Return the files of an app by their paths; none without a page to begin with.

    Args:
        directory: what was built.
        offline: whether tablets keep a copy of the app; else those that do forget it.
    """
    found = dict(_assets(directory, HOME)) if directory.is_dir() else {}
    leaving = found.pop(LEAVING, None)
    if leaving is not None and not offline:
        found[WORKER] = leaving
    return found if PAGE in found else {}


def app_handlers(assets: Mapping[str, Asset]) -> list[HTTPRouteHandler]:
    """Return one handler for exactly these paths; without any, home says what to do."""
    if not assets:
        return [_not_built]

    @get(
        [HOME, *assets],
        exclude_from_auth=True,
        include_in_schema=False,
        sync_to_thread=False,
    )
    def serve(request: BoxRequest) -> Response[bytes]:
        """Return a file of the app, or 304 to who has it."""
        path = request.url.path
        return _answer(assets[PAGE if path == HOME else path], request)

    return [serve]


@get(HOME, exclude_from_auth=True, include_in_schema=False, sync_to_thread=False)
def _not_built() -> Response[bytes]:
    """Say what to do where the app was not built."""
    raise AppNotBuilt


def _assets(directory: Traversable, below: str) -> Iterator[tuple[str, Asset]]:
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _assets(entry, f"{below}{entry.name}/")
            continue
        ending = entry.name.rpartition(".")[2]
        if ending in MEDIA_TYPES and not entry.name.startswith("."):
            path = below + entry.name
            yield path, _asset(entry.read_bytes(), path, ending)


def _asset(content: bytes, path: str, ending: str) -> Asset:
    packed = None if ending in _COMPRESSED_ALREADY else gzip.compress(content, mtime=0)
    return Asset(
        content=content,
        packed=packed if packed is not None and len(packed) < len(content) else None,
        media_type=MEDIA_TYPES[ending],
        tag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        lasting=path.startswith(IMMUTABLE),
    )


def _answer(asset: Asset, request: BoxRequest) -> Response[bytes]:
    lasting = "public, max-age=31536000, immutable"
    headers = {
        "Cache-Control": lasting if asset.lasting else "no-cache",
        "ETag": asset.tag,
        "Vary": "Accept-Encoding",
    }
    if asset.tag in _texts(request, "if-none-match"):
        return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    content = asset.content
    if asset.packed is not None and "gzip" in _texts(request, "accept-encoding"):
        content = asset.packed
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=asset.media_type, headers=headers)


def _texts(request: BoxRequest, header: str) -> set[str]:
    """Return the members of a header's list, without their parameters and weakness."""
    members = request.headers.get(header, "").split(",")
    return {member.partition(";")[0].strip().removeprefix("W/") for member in members}
