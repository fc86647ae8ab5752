"""What tablets seal opens here: the vectors the app is held to, and nothing that was touched."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.p256_envelopes import P256Envelopes
from appliance.core.envelope import parse_sealed, split_plain
from appliance.core.errors import EnvelopeRefused
from tests.sealing import sealed

VECTORS: Any = json.loads(
    Path(__file__).parents[1].joinpath("vectors", "envelope-1.json").read_text(encoding="utf-8")
)
OPENER = P256Envelopes(base64.b64decode(VECTORS["box_secret"]))
ID = "7b0d1c5e-0000-4000-8000-000000000001"


def opened(content: bytes, item_id: str) -> tuple[bytes, bytes]:
    """Return head and payload."""
    return split_plain(OPENER.open(parse_sealed(content, public_key=OPENER.public_key), item_id))


@pytest.mark.parametrize("item", VECTORS["items"], ids=lambda item: item["name"])
def test_the_vectors_open(item: dict[str, Any]) -> None:
    """Byte for byte what the app sealed."""
    assert base64.b64decode(VECTORS["box_key"]) == OPENER.public_key
    head, payload = opened(base64.b64decode(item["sealed"]), item["id"])
    assert json.loads(head) == item["head"]
    assert payload == base64.b64decode(item["payload"])


@given(st.binary(max_size=300))
def test_anything_sealed_opens(payload: bytes) -> None:
    """Also nothing at all."""
    content = sealed({"kind": "x"}, payload, item_id=ID, box_key=OPENER.public_key)
    assert opened(content, ID) == (b'{"kind":"x"}', payload)


@given(st.data())
def test_whatever_is_changed_does_not_open(data: st.DataObject) -> None:
    """A flipped bit, a cut, another id, or bytes of somebody's own."""
    content = sealed({"kind": "x"}, b"voice", item_id=ID, box_key=OPENER.public_key)
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    flipped = bytearray(content)
    flipped[at // 8] ^= 1 << at % 8
    for touched, item_id in (
        (bytes(flipped), ID),
        (content[: at // 8], ID),
        (content, ID.replace("1", "2")),
        (data.draw(st.binary(max_size=200)), ID),
    ):
        with pytest.raises(EnvelopeRefused):
            opened(touched, item_id)


def test_a_box_with_another_secret_has_another_key() -> None:
    """And the item says at once that it is not for it."""
    other = P256Envelopes(bytes(32))
    content = sealed({"kind": "x"}, b"voice", item_id=ID, box_key=other.public_key)
    with pytest.raises(EnvelopeRefused) as refusal:
        opened(content, ID)
    assert refusal.value.details["reason"] == "other-box"
