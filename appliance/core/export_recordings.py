"""The table of recordings in an export: verdict, measures and what the browser did, no sound."""

from __future__ import annotations

from typing import Final

from appliance.core.export_columns import Column, RecordingRow, column, one_of
from appliance.core.quality import ROOM_NOISE_ROLE, Verdict, judged_snr_db


def _judged_snr_db(row: RecordingRow) -> float | None:
    """Return what the verdict on a recording is about; the room itself has none."""
    if row.attachment.role == ROOM_NOISE_ROLE:
        return None
    return judged_snr_db(row.recording.measures, row.room_noise_db)


RECORDINGS: Final[tuple[Column[RecordingRow], ...]] = (
    column("id", "string", "pseudonym of the recording", lambda r: r.recording.id),
    column("inference_id", "string", "inferences.id", lambda r: r.inference_id),
    column("role", "string", "which recording of the protocol", lambda r: r.attachment.role),
    column("take", "integer", "number of the take, from 1", lambda r: r.attachment.take),
    column("chosen", "boolean", "the take that counts", lambda r: r.attachment.chosen),
    column(
        "started_at",
        "instant",
        "when it was begun",
        lambda r: r.attachment.started_at,
        of_tablet=True,
    ),
    column("received_at", "instant", "when the box had it", lambda r: r.recording.received_at),
    column(
        "sha256",
        "string",
        "digest of the file, where it is in this export or patients are identified",
        lambda r: r.sound.sha256,
    ),
    column(
        "n_bytes",
        "integer",
        "length of the file as it is in this export, or would be: header and samples alone, "
        "unless patients are identified",
        lambda r: r.sound.n_bytes,
        unit="By",
    ),
    column("gaps", "integer", "interruptions of the sound", lambda r: r.attachment.gaps),
    column(
        "prompt_sha256",
        "string",
        "digest of the words read; one of a protocol",
        lambda r: one_of(r.said.digests, r.attachment.prompt_sha256),
    ),
    column(
        "verdict",
        "string",
        "whether it can be used",
        lambda r: r.attachment.verdict.value,
        values=Verdict,
    ),
    column(
        "verdict_reasons",
        "string",
        "codes, divided by spaces; those that fail first",
        lambda r: " ".join(r.attachment.verdict_reasons) or None,
    ),
    column(
        "sample_rate_hz",
        "integer",
        "of the file",
        lambda r: r.recording.measures.sample_rate_hz,
        unit="Hz",
    ),
    column(
        "duration_s", "number", "of the sound", lambda r: r.recording.measures.duration_s, unit="s"
    ),
    column("peak", "number", "largest amplitude, 0 to 1", lambda r: r.recording.measures.peak),
    column(
        "clipped_frac",
        "number",
        "share of clipped samples",
        lambda r: r.recording.measures.clipped_frac,
    ),
    column(
        "dead_frac",
        "number",
        "share of frames no microphone gives",
        lambda r: r.recording.measures.dead_frac,
    ),
    column(
        "active_s",
        "number",
        "of voice or other sound",
        lambda r: r.recording.measures.active_s,
        unit="s",
    ),
    column(
        "level_db",
        "number",
        "mean power of the active frames",
        lambda r: r.recording.measures.level_db,
        unit="dB",
    ),
    column(
        "noise_db",
        "number",
        "median of the quiet frames",
        lambda r: r.recording.measures.noise_db,
        unit="dB",
    ),
    column(
        "snr_db",
        "number",
        "level minus the recording's own noise",
        lambda r: r.recording.measures.snr_db,
        unit="dB",
    ),
    column(
        "judged_snr_db",
        "number",
        "what the verdict is on: level minus the noise of the room (ruido), else snr_db",
        _judged_snr_db,
        unit="dB",
    ),
    column(
        "steady_frac",
        "number",
        "share of active frames from the first to the last",
        lambda r: r.recording.measures.steady_frac,
    ),
    column(
        "echo_cancellation",
        "boolean",
        "of the browser; empty: it did not say",
        lambda r: r.attachment.capture.echo_cancellation,
    ),
    column(
        "noise_suppression",
        "boolean",
        "of the browser; empty: it did not say",
        lambda r: r.attachment.capture.noise_suppression,
    ),
    column(
        "auto_gain_control",
        "boolean",
        "of the browser; empty: it did not say",
        lambda r: r.attachment.capture.auto_gain_control,
    ),
    column(
        "voice_isolation",
        "boolean",
        "of the device; empty: it did not say",
        lambda r: r.attachment.capture.voice_isolation,
    ),
    column(
        "capture_sample_rate_hz",
        "integer",
        "of the microphone, as the browser said",
        lambda r: r.attachment.capture.sample_rate_hz,
        unit="Hz",
    ),
    column(
        "path", "string", "its file in this export; empty without sound", lambda r: r.sound.path
    ),
)
