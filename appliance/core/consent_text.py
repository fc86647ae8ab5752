"""A consent text: what it must hold before a protocol with it can be installed.

The required items are those of Brazilian research ethics (CEP) and of the LGPD that
PROTOCOL.md asks for; each is a section of its own, so that none can be forgotten unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.core.ids import Sha256

SECTIONS: Final = (
    "identification",
    "responsible",
    "purpose",
    "procedures",
    "risks_benefits",
    "voluntary",
    "costs",
    "data_protection",
    "choices",
    "signatures",
    "copy",
)
"""Items every text has, in any order."""

FACTS: Final = (
    "title",
    "caae",
    "cep",
    "cep_contact",
    "approved_on",
    "researcher",
    "institution",
    "researcher_contact",
    "controller",
    "person_in_charge",
    "legal_basis",
    "retention",
)
"""Facts every text states; each is found word for word in its sections."""

PURPOSES: Final = ("study", "future_research", "audio_sharing")
"""What is agreed to or not, one by one."""

DEMONSTRATION: Final = "demonstration"
"""The first section of a text that no CEP approved; it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSection:
    """One item of a text."""

    item: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """What a person reads or hears before deciding, in one language.

    Attributes:
        sha256: of `wording`, in UTF-8.
        demonstration: no CEP approved it, and it says so.
        facts: name -> words that stand in the text.
        purposes: name -> the question that is answered yes or no.
    """

    version: str
    sha256: Sha256
    demonstration: bool
    facts: Mapping[str, str]
    sections: tuple[ConsentSection, ...]
    purposes: Mapping[str, str]

    @property
    def wording(self) -> str:
        """The whole text: version, headings with their texts, the three questions in order.

        Parts are joined by an empty line, a heading and its text by a line break.
        """
        parts = [self.version]
        parts += [f"{section.heading}\n{section.text}" for section in self.sections]
        parts += [self.purposes[name] for name in PURPOSES]
        return "\n\n".join(parts)

    def digest(self) -> Sha256:
        """Return the SHA-256 of what the text really says."""
        return Sha256(hashlib.sha256(self.wording.encode()).hexdigest())
