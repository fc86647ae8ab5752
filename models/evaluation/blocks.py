"""What a card is made of, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the card's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Caution:
    """A sentence that must not be overlooked."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain texts under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as SVG; its caption says in words what it shows."""

    svg: str
    caption: str


Block: TypeAlias = Heading | Paragraph | Caution | Table | Figure
