"""Send form and recordings from the console: typed like today's, stored like the 2022 request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.core.ids import ModelId, UserId
from appliance.core.inference import Inference
from appliance.ports import AudioStore, Clock, JobQueue, NewId
from appliance.usecases.legacy import LegacySubmission, submit_legacy
from appliance.usecases.submit import SubmissionRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest:
    """What someone at the console asks.

    Attributes:
        model_id: None means the default model.
        form: typed answers under the active protocol.
        recordings: role -> bytes of a WAV file.
    """

    user_id: UserId
    model_id: ModelId | None
    form: Mapping[str, object]
    recordings: Mapping[str, bytes]


def infer_from_console(
    asked: ConsoleRequest,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    records: SubmissionRecords,
    audio: AudioStore,
    queue: JobQueue,
) -> Inference:
    """Store an inference with unverified consent and wake the worker; a refusal leaves nothing.

    Unlike the request of 2022 it takes no field that the protocol does not know.

    Args:
        asked: what is asked, for a user who did not sign in.
        actor: who asks, for the audit: the console.

    Raises:
        InvalidForm, UnsupportedAudio, InvalidAudio, TooLarge, ModelNotFound, ModelNotReady.
    """
    parts = {role: audio.begin() for role in asked.recordings}
    try:
        for role, content in asked.recordings.items():
            parts[role].write(content)
    except BaseException:
        for part in parts.values():
            part.discard()
        raise
    return submit_legacy(
        LegacySubmission(
            user_id=asked.user_id, answers=asked.form, model_id=asked.model_id, typed=True
        ),
        parts,
        actor=actor,
        clock=clock,
        new_id=new_id,
        records=records,
        audio=audio,
        queue=queue,
    )
