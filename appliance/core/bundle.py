"""A bundle between the stick and the disk, and what was in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.core.errors import BundleRefused, InvalidAudio, UnsupportedAudio
from appliance.core.manifest import (
    CARD_NAME,
    GOLDEN_PREFIX,
    GRAPH_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Manifest,
)
from appliance.core.wav import read_wav

MAX_CARD_BYTES = 1024 * 1024
_CAUTION = ("> **", "**")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedBundle:
    """A bundle that was checked whole, but is not installed.

    Attributes:
        token: names its place in staging.
        digest: SHA-256 of the manifest's bytes: its name once it is installed.
        key_fingerprint: of the key that signed it.
    """

    token: str
    digest: str
    manifest: Manifest
    manifest_bytes: bytes
    key_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContents:
    """The parts of a bundle that are needed to run it, each with its hash checked.

    Attributes:
        graph: the bytes of `model.onnx`.
        golden: name in the bundle -> bytes of a WAV.
    """

    manifest: Manifest
    graph: bytes
    golden: Mapping[str, bytes]


def file_order(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of all files of the bundle, in the one order they are packed in."""
    golden = sorted(name for name in manifest.files if name.startswith(GOLDEN_PREFIX))
    return (MANIFEST_NAME, SIGNATURE_NAME, GRAPH_NAME, CARD_NAME, *golden)


def check_file_order(names: Sequence[str], manifest: Manifest) -> None:
    """Refuse a bundle with other files than its manifest names, or in another order.

    Raises:
        BundleRefused: `files`.
    """
    if tuple(names) != file_order(manifest):
        raise BundleRefused(
            "Its files are not those of its manifest, in their order.",
            reason="files",
            found=tuple(names),
        )


def check_card(content: bytes) -> None:
    """Refuse a model card that nobody can read. Raises BundleRefused (`card`)."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise BundleRefused("Its card is not UTF-8.", reason="card") from error
    if len(content) > MAX_CARD_BYTES:
        raise BundleRefused("Its card is too long.", reason="card", max_bytes=MAX_CARD_BYTES)


def cautions_of(card: str) -> tuple[str, ...]:
    """Return what a card wants read before all else: its lines in bold quotation, `> **…**`."""
    lines = (line.strip() for line in card.splitlines())
    return tuple(
        line.removeprefix(_CAUTION[0]).removesuffix(_CAUTION[1])
        for line in lines
        if line.startswith(_CAUTION[0]) and line.endswith(_CAUTION[1])
    )


def check_golden_recording(name: str, content: bytes) -> None:
    """Refuse a golden recording the box could not read. Raises BundleRefused (`golden-audio`)."""
    try:
        read_wav(content)
    except (InvalidAudio, UnsupportedAudio) as error:
        raise BundleRefused(
            "A golden recording is no WAV this box reads.", reason="golden-audio", file=name
        ) from error
