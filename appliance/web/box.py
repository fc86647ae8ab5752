"""What an app has to know of the box before anybody signed in; nothing of patients or people."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency

from appliance import __version__
from appliance.bootstrap import Appliance
from appliance.web import wire
from appliance.web.described import may_fail

MIN_APP_VERSION: Final = "0.1.0"
"""The oldest app whose requests this release understands: the previous one at least."""


class BoxWire(msgspec.Struct, frozen=True, kw_only=True):
    """The box on the wire.

    Attributes:
        mode: `collection` takes recordings and gives no result.
        demonstration: new inferences go to a demonstration model, unless they name another.
        time: of the box's clock.
    """

    box_name: str
    version: str
    mode: Literal["inference", "collection"]
    show_probabilities: bool
    demonstration: bool
    min_app_version: str
    time: str


@get(
    "/v1/box",
    exclude_from_auth=True,
    tags=("box",),
    responses=may_fail(),
    sync_to_thread=True,
)
def show_box(appliance: NamedDependency[Appliance]) -> BoxWire:
    """Say what the box is called, what it is for and what it expects of an app."""
    settings = appliance.settings
    models = appliance.models.models()
    default = models[0].active if models else None
    return BoxWire(
        box_name=settings.box_name,
        version=__version__,
        mode=settings.mode,
        show_probabilities=settings.show_probabilities,
        demonstration=default is not None and default.demonstration,
        min_app_version=MIN_APP_VERSION,
        time=wire.instant(appliance.clock()) or "",
    )
