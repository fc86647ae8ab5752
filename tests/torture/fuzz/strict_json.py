"""Any bytes as a strict JSON document: read by every question there is, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from appliance.core.errors import BundleRefused
from appliance.core.strict_json import Node, read_json
from tests.torture.fuzz.known import hold_to

Answer = TypeVar("Answer")

MAX_BYTES: Final = 4_096
QUESTIONS: Final[tuple[Callable[[Node], object], ...]] = (
    lambda node: node.text(re.compile(r"[a-z]+")),
    lambda node: node.text(empty=True),
    lambda node: node.choice(["a", "b"]),
    lambda node: node.flag(),
    lambda node: node.integer(0, 2**53),
    lambda node: node.number(-1e6, 1e6),
    lambda node: node.fields(("a",), ("b",)),
)


def one(content: bytes) -> None:
    """Ask the root, and all below it, everything; each answer or refusal is a known one."""
    try:
        waiting = [read_json(content, max_bytes=MAX_BYTES)]
    except BundleRefused as refusal:
        hold_to(refusal, {"manifest-malformed"})
        return
    while waiting:
        node = waiting.pop()
        for question in QUESTIONS:
            _asked(question, node)
        waiting += _asked(lambda node: node.items(), node) or []
        waiting += (_asked(lambda node: node.entries(), node) or {}).values()


def _asked(question: Callable[[Node], Answer], node: Node) -> Answer | None:
    try:
        return question(node)
    except BundleRefused as refusal:
        hold_to(refusal, {"manifest-invalid"})
        return None
