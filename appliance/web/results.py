"""What models said of an inference."""

from __future__ import annotations

from http import HTTPStatus

from litestar import Controller, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.bootstrap import Appliance
from appliance.core.account import Role
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import (
    CollectionWithoutResult,
    ConsentRefused,
    InferenceNotFound,
    NotAnswered,
    ResultNotFound,
)
from appliance.core.ids import InferenceId, parse_uuid
from appliance.core.inference import ConsentDecision, Inference, Purpose
from appliance.core.result import Result
from appliance.web import wire
from appliance.web.app_sessions import user_is_shown_numbers
from appliance.web.described import may_fail
from appliance.web.guards import NURSE, own_path, own_path_unless_overseer
from appliance.web.inferences import own_inference, shown_to_its_nurse
from appliance.web.requests import BoxRequest


class ResultController(Controller):
    """The result of the model asked for, and those of all models."""

    path = "/v1/users/{user_id:str}/inferences/{inference_id:str}"
    tags = ("results",)

    @get(
        "/result",
        guards=(NURSE, own_path),
        responses=may_fail(401, 403, 404, 422),
        sync_to_thread=True,
    )
    def show(
        self,
        inference_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> wire.InferenceAndResult:
        """Return one's own inference and its result; the first opening is remembered."""
        inference = own_inference(inference_id, request, appliance)
        result = _requested(inference, appliance)
        inference = shown_to_its_nurse(inference, appliance)
        shown = wire.result(result)
        if not user_is_shown_numbers(request, appliance):
            shown = wire.without_numbers(shown)
        return wire.InferenceAndResult(inference=wire.inference(inference), result=shown)

    @put(
        "/disagreement",
        guards=(NURSE, own_path),
        status_code=HTTPStatus.NO_CONTENT,
        responses=may_fail(401, 403, 404, 409, 422),
        sync_to_thread=True,
    )
    def disagree(
        self,
        inference_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> None:
        """Say that one disagrees with the result of one's own inference; may be repeated."""
        inference = own_inference(inference_id, request, appliance)
        if inference.diagnosis is None:
            raise NotAnswered(inference_id=inference.id)
        now = appliance.clock()
        entry = audited(AuditAction.RESULT_DISAGREED, inference.id, at=now, actor=request.user.id)
        appliance.inferences.disagree(inference.id, at=now, audit=entry)

    @get(
        "/results",
        guards=(own_path_unless_overseer,),
        responses=may_fail(401, 403, 404, 422),
        sync_to_thread=True,
    )
    def list_results(
        self,
        user_id: FromPath[str],
        inference_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> wire.Results:
        """Return one result a model: a nurse's own; researchers see shadows, admins states."""
        inference = appliance.inferences.inference(
            InferenceId(parse_uuid(inference_id, field="inference_id"))
        )
        if inference.user_id != parse_uuid(user_id, field="user_id"):
            raise InferenceNotFound(inference_id=inference.id)
        results = appliance.inferences.results(inference.id)
        if request.user.role is Role.NURSE:
            shown_to_its_nurse(inference, appliance)
            rows = [wire.result(r) for r in results if not r.shadow]
            if not user_is_shown_numbers(request, appliance):
                rows = list(map(wire.without_numbers, rows))
            return wire.Results(results=rows)
        _audit_opening(inference, request, appliance)
        shown = wire.result if request.user.role is Role.RESEARCHER else wire.result_state
        return wire.Results(results=[shown(result) for result in results])


def _requested(inference: Inference, appliance: Appliance) -> Result:
    """Return the result of the model asked for, or say why there is none."""
    if inference.consent.decision is ConsentDecision.REFUSED:
        raise ConsentRefused(inference_id=inference.id)
    if inference.purpose is Purpose.COLLECTION:
        raise CollectionWithoutResult(inference_id=inference.id)
    for result in appliance.inferences.results(inference.id):
        if not result.shadow:
            return result
    raise ResultNotFound(inference_id=inference.id)


def _audit_opening(inference: Inference, request: BoxRequest, appliance: Appliance) -> None:
    appliance.audit.append(
        audited(
            AuditAction.INFERENCE_OPENED,
            inference.id,
            at=appliance.clock(),
            actor=request.user.id,
            role=request.user.role.value,
        )
    )
