"""Any bytes as a manifest: one that can be written again as it was, or a refusal by name."""

from __future__ import annotations

from appliance.core.errors import BundleRefused
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.manifest_json import parse_manifest
from tests.torture.fuzz.known import hold_to


def one(content: bytes) -> None:
    """Parse it; what is accepted says the same after a round trip."""
    try:
        manifest = parse_manifest(content, {"x"})
    except BundleRefused as refusal:
        hold_to(refusal, {"manifest-malformed", "manifest-invalid"})
    else:
        assert parse_manifest(encode_manifest(manifest)) == manifest
