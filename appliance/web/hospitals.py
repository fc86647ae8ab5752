"""Hospitals, and what the next shift sees of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UnsetType

from appliance.bootstrap import Appliance
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import NotAllowed
from appliance.core.ids import HospitalId, parse_uuid
from appliance.core.inference import Inference
from appliance.core.rgh import RghRule
from appliance.usecases.hospitals import Unchanged, add_hospital, change_hospital, hospital_of
from appliance.web import wire
from appliance.web.app_sessions import user_is_shown_numbers
from appliance.web.bodies import HospitalChangeBody, NewHospitalBody
from appliance.web.described import Link, leads_to, may_fail, takes_json
from appliance.web.guards import ADMIN, NURSE
from appliance.web.listing import Listed, read_query
from appliance.web.requests import BoxRequest

SHIFT: Final = timedelta(hours=72)
"""How far back the next shift sees (API.md §5)."""


class HospitalController(Controller):
    """Everyone sees the list; admins keep it."""

    path = "/v1/hospitals"
    tags = ("hospitals",)

    @get(
        opt=leads_to(
            Link(
                to="GET /v1/hospitals/{hospital_id}/inferences",
                on=200,
                ids={"hospital_id": "$response.body#/hospitals/0/id"},
            )
        ),
        responses=may_fail(401),
        sync_to_thread=True,
    )
    def list_hospitals(self, appliance: NamedDependency[Appliance]) -> wire.Hospitals:
        """Return all hospitals by name."""
        known = appliance.hospitals.hospitals()
        return wire.Hospitals(hospitals=[wire.hospital(hospital) for hospital in known])

    @post(
        guards=(ADMIN,),
        status_code=HTTPStatus.CREATED,
        opt=takes_json(NewHospitalBody)
        | leads_to(
            Link(
                to="PATCH /v1/hospitals/{hospital_id}",
                on=201,
                ids={"hospital_id": "$response.body#/id"},
            )
        ),
        responses=may_fail(400, 401, 403, 413, 415, 422),
    )
    async def add(
        self, request: BoxRequest, appliance: NamedDependency[Appliance]
    ) -> wire.HospitalWire:
        """Add a hospital."""
        sent = await request.read_json(NewHospitalBody)
        hospital = await asyncio.to_thread(
            add_hospital,
            sent.name,
            _rule(sent.rgh_rule),
            actor=request.user.id,
            clock=appliance.clock,
            new_id=appliance.new_id,
            hospitals=appliance.hospitals,
        )
        return wire.hospital(hospital)

    @patch(
        "/{hospital_id:str}",
        guards=(ADMIN,),
        opt=takes_json(HospitalChangeBody),
        responses=may_fail(400, 401, 403, 404, 413, 415, 422),
    )
    async def change(
        self,
        hospital_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> wire.HospitalWire:
        """Rename a hospital, or give it another rule for the RGH."""
        sent = await request.read_json(HospitalChangeBody)
        hospital = await asyncio.to_thread(
            change_hospital,
            _hospital_id(hospital_id),
            name=None if isinstance(sent.name, UnsetType) else sent.name,
            rgh_rule=(
                Unchanged.UNCHANGED
                if isinstance(sent.rgh_rule, UnsetType)
                else _rule(sent.rgh_rule)
            ),
            actor=request.user.id,
            clock=appliance.clock,
            hospitals=appliance.hospitals,
        )
        return wire.hospital(hospital)

    @get(
        "/{hospital_id:str}/inferences",
        guards=(NURSE,),
        responses=may_fail(401, 403, 404, 422),
        tags=("inferences",),
        sync_to_thread=True,
    )
    def shift(
        self,
        hospital_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> Response[wire.InferenceList]:
        """Return the last 72 hours of one's own hospital: form and result, no recordings."""
        asked = _hospital_id(hospital_id)
        if asked not in request.user.hospital_ids:
            raise NotAllowed
        hospital_of(asked, appliance.hospitals)
        query = read_query(
            dict(request.query_params.items()), hospital_id=asked, whole_by_default=False
        )
        # By the box's clock: a tablet whose own is wrong neither hides a patient nor keeps one.
        page = appliance.inferences.find(replace(query, received_from=appliance.clock() - SHIFT))
        _audit_opening(asked, page.inferences, request, appliance)
        numbers = user_is_shown_numbers(request, appliance)
        shown = (_shift_row(one, appliance, numbers=numbers) for one in page.inferences)
        return Listed(shown, following=page.next)


def _shift_row(inference: Inference, appliance: Appliance, *, numbers: bool) -> dict[str, Any]:
    """Return form and result of one inference, without its recordings."""
    row = wire.inference(inference)
    del row["recordings"]
    results = appliance.inferences.results(inference.id)
    result = wire.result(results[0]) if results else None
    row["result"] = result if numbers or result is None else wire.without_numbers(result)
    return row


def _audit_opening(
    hospital_id: HospitalId,
    inferences: tuple[Inference, ...],
    request: BoxRequest,
    appliance: Appliance,
) -> None:
    """Record which inferences of others were opened, in one row."""
    others = [one.id for one in inferences if one.user_id != request.user.id]
    if others:
        appliance.audit.append(
            audited(
                AuditAction.SHIFT_OPENED,
                hospital_id,
                at=appliance.clock(),
                actor=request.user.id,
                inference_ids=" ".join(others),
            )
        )


def _hospital_id(text: str) -> HospitalId:
    return HospitalId(parse_uuid(text, field="hospital_id"))


def _rule(document: dict[str, Any] | None) -> RghRule | None:
    return None if document is None else RghRule.from_document(document)
