"""What is in a sealed item, taken in as if it had come open."""

from __future__ import annotations

from appliance.bootstrap import Appliance
from appliance.core.envelope import Receipt
from appliance.core.errors import TooLarge
from appliance.ports import Stored
from appliance.usecases.open_envelope import Opened, opened_envelope, receipt_for
from appliance.usecases.record import RecordingRequest, take_in_recording
from appliance.usecases.submit import submit_inference
from appliance.web.bodies import InferenceBody, canonical_sha256, inference_request
from appliance.web.requests import decoded


def take_in(
    item_id: str, content: bytes, *, bearer: str, appliance: Appliance
) -> tuple[Receipt, Stored]:
    """Open a sealed item, store it as if it had come open, then number it.

    Raises:
        EnvelopeRefused, DigestMismatch, NotAllowed, and whatever the open way raises.
    """
    opened = opened_envelope(
        item_id,
        content,
        opener=appliance.opener(),
        is_signed=lambda content, signature: appliance.is_signed_by(
            appliance.signer().public_key, content, signature
        ),
        accounts=appliance.accounts,
    )
    if opened.recording is None:
        _submit(opened, appliance)
    else:
        _record(opened, opened.recording, appliance)
    return receipt_for(opened, bearer=bearer, clock=appliance.clock, envelopes=appliance.envelopes)


def _record(opened: Opened, asked: RecordingRequest, appliance: Appliance) -> None:
    part = appliance.audio.begin()
    try:
        part.write(opened.payload)
    except BaseException:
        part.discard()
        raise
    take_in_recording(
        asked,
        part,
        actor=opened.author.id,
        clock=appliance.clock,
        protocols=appliance.protocols,
        recordings=appliance.recordings,
        audio=appliance.audio,
    )


def _submit(opened: Opened, appliance: Appliance) -> None:
    max_bytes = appliance.settings.max_json_bytes
    if len(opened.payload) > max_bytes:
        raise TooLarge(max_bytes=max_bytes)
    body, plain = decoded(
        opened.payload, InferenceBody, max_depth=appliance.settings.max_json_depth
    )
    asked = inference_request(
        body,
        inference_id=opened.item_id,
        user_id=opened.author.id,
        content_sha256=canonical_sha256(plain),
    )
    submit_inference(
        asked,
        actor=opened.author.id,
        clock=appliance.clock,
        new_id=appliance.new_id,
        records=appliance.submission_records(),
        audio=appliance.audio,
        queue=appliance.queue,
    )
