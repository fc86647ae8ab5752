"""Models as clients choose them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.bootstrap import Appliance
from appliance.core.ids import ModelId, parse_uuid
from appliance.usecases.register_model import register_model
from appliance.web import wire
from appliance.web.bodies import NewModelBody
from appliance.web.described import Link, leads_to, may_fail, takes_json
from appliance.web.guards import ADMIN
from appliance.web.requests import BoxRequest


class ModelController(Controller):
    """Everyone sees models; admins register names."""

    path = "/v1/models"
    tags = ("models",)

    @get(
        opt=leads_to(
            Link(
                to="GET /v1/models/{model_id}",
                on=200,
                ids={"model_id": "$response.body#/models/0/id"},
            )
        ),
        responses=may_fail(401),
        sync_to_thread=True,
    )
    def list_models(self, appliance: NamedDependency[Appliance]) -> wire.Models:
        """Return all models, the default first."""
        return wire.Models(models=[wire.model(known) for known in appliance.models.models()])

    @get("/{model_id:str}", responses=may_fail(401, 404, 422), sync_to_thread=True)
    def show(
        self, model_id: FromPath[str], appliance: NamedDependency[Appliance]
    ) -> wire.ModelWire:
        """Return a model."""
        known = appliance.models.model(ModelId(parse_uuid(model_id, field="model_id")))
        return wire.model(known)

    @post(
        guards=(ADMIN,),
        status_code=HTTPStatus.OK,
        opt=takes_json(NewModelBody),
        responses=may_fail(400, 401, 403, 413, 415, 422),
    )
    async def register(
        self, request: BoxRequest, appliance: NamedDependency[Appliance]
    ) -> wire.Message:
        """Register a name that waits for its first bundle."""
        sent = await request.read_json(NewModelBody)
        await asyncio.to_thread(
            register_model,
            sent.name,
            sent.publishing_channel,
            actor=request.user.id,
            clock=appliance.clock,
            new_id=appliance.new_id,
            models=appliance.models,
        )
        return wire.Message(message="model registered!")
