"""Who may come in: by role, by being the user of the path, or by where they sit (API.md §5)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from appliance.bootstrap import Appliance
from appliance.core.account import Role, User
from appliance.core.errors import NotAllowed

Connection = ASGIConnection[Any, User, Any, Any]


def roles(*allowed: Role) -> Guard:
    """Let users of these roles in; others get NotAllowed."""

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        if connection.user.role not in allowed:
            raise NotAllowed

    return guard


def _is_own(connection: Connection) -> bool:
    return bool(connection.path_params["user_id"].lower() == connection.user.id)


def own_path(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let the user of the path in; others get NotAllowed."""
    if not _is_own(connection):
        raise NotAllowed


def own_path_or_admin(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let the user of the path and admins in; others get NotAllowed."""
    if not _is_own(connection) and connection.user.role is not Role.ADMIN:
        raise NotAllowed


def own_path_unless_overseer(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let nurses see their own, researchers and admins what the handler shows them of all."""
    if not _is_own(connection) and connection.user.role is Role.NURSE:
        raise NotAllowed


def listed_address(appliance: Appliance) -> Guard:
    """Let the box itself and the addresses of the settings in; others get NotAllowed."""
    listed = frozenset(ip_address(text) for text in appliance.settings.metrics_addresses)

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        try:
            peer = ip_address(connection.client.host if connection.client else "")
        except ValueError:
            raise NotAllowed from None
        if not peer.is_loopback and peer not in listed:
            raise NotAllowed

    return guard


ADMIN = roles(Role.ADMIN)
NURSE = roles(Role.NURSE)
