"""Register the name of a model, before its first bundle arrives (the 2022 way)."""

from __future__ import annotations

from appliance.core.audit import AuditAction, audited
from appliance.core.ids import ModelId
from appliance.core.model import Model
from appliance.core.names import checked_name
from appliance.ports import Clock, ModelRecords, NewId

MAX_CHARACTERS = 128


def register_model(
    name: str,
    publishing_channel: str,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    models: ModelRecords,
) -> Model:
    """Add a model that waits for its first bundle.

    Raises:
        NameTaken: the name or the channel.
        InvalidRequest: one of them is empty, too long or not printable.
    """
    now = clock()
    model = Model(
        id=ModelId(new_id()),
        name=_checked(name, "name"),
        publishing_channel=_checked(publishing_channel, "publishing_channel"),
        is_default=False,
        ever_installed=False,
        active=None,
        created_at=now,
    )
    models.add_model(model, audit=audited(AuditAction.MODEL_ADDED, model.id, at=now, actor=actor))
    return model


def _checked(text: str, field: str) -> str:
    """Return the text without blanks around it."""
    return checked_name(text, what=field, field=field, max_characters=MAX_CHARACTERS)
