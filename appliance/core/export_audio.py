"""Which sounds may leave in an export, where they stand in it, and what is left of their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.core.ids import InferenceId, Sha256
from appliance.core.inference import Attachment, Consent, ConsentDecision
from appliance.core.quality import Measures
from appliance.core.wav import HEADER_BYTES, SAMPLE_BYTES, read_wav, write_wav

DIRECTORY: Final = "audio"
SPOKEN_CONSENT_ROLE: Final = "aceite"
"""The recording in which a patient may say a name: it never leaves."""

SHARING: Final = "audio_sharing"
N_DIGITS: Final = 16
"""Of a file's SHA-256, in its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A file of sound as it leaves, or would.

    Attributes:
        path: of it in the export; None where it is not in it.
        sha256: where that may be told.
        n_bytes: its length.
    """

    path: str | None
    sha256: Sha256 | None
    n_bytes: int


def may_leave(consent: Consent, role: str) -> bool:
    """Return whether the sound of a role may leave under this consent.

    Who accepted was asked whether recordings may be shared; of a request of 2022 nothing is known,
    and whoever asks for those answers for them.
    """
    if role == SPOKEN_CONSENT_ROLE or not consent.decision.allows_recordings:
        return False
    is_unverified = consent.decision is ConsentDecision.UNVERIFIED
    return consent.purposes.get(SHARING, is_unverified)


def sound_path(
    patient_id: str | None, inference_id: InferenceId, place: Attachment, sha256: str
) -> str:
    """Return where a sound stands in an export: by patient and inference, in the manner of BIDS.

    Args:
        patient_id: a pseudonym.
        inference_id: as it is told.
        place: of the recording in the inference.
        sha256: of the file as it leaves.
    """
    sub, ses = f"sub-{patient_id or 'unknown'}", f"ses-{inference_id.replace('-', '')}"
    take = f"task-{place.role}_run-{place.take}_desc-{sha256[:N_DIGITS]}"
    return f"{DIRECTORY}/{sub}/{ses}/{sub}_{ses}_{take}_audio.wav"


def sound_alone(content: bytes) -> bytes:
    """Return a WAV of the same samples without what a recorder wrote beside them.

    Raises:
        UnsupportedAudio, InvalidAudio: as `read_wav`.
    """
    wav = read_wav(content)
    return write_wav(wav.pcm, wav.sample_rate_hz)


def n_bytes_alone(n_bytes: int, measures: Measures) -> int:
    """Return how long `sound_alone` makes a file, without reading it.

    One that could hold two channels has two: nobody writes as much beside a sound as there is.

    Args:
        n_bytes: length of the file.
        measures: of its first channel.
    """
    one_channel = SAMPLE_BYTES * round(measures.duration_s * measures.sample_rate_hz)
    n_channels = 2 if n_bytes >= HEADER_BYTES + 2 * one_channel else 1
    return HEADER_BYTES + n_channels * one_channel
