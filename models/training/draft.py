"""A draft of `bundle.toml`: what a training knows of its model; the rest only its author can say.

Packing refuses it until the empty texts are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.core.manifest import RoleInput

PROTOCOL: Final = "spira-2022.1"
"""Of a model whose author has yet to say whose recordings it hears."""

_DRAFT: Final = """\
# A draft by `spira models train`: say what is empty, `pack` refuses the model until then.
name = "{name}"
version = "0.1.0"
sequence = 1
demonstration = false
licence = ""
intended_use = ""
limits = ""
protocols = ["{protocol}"]
golden_tolerance = 1e-4

{roles}
# Whom it was evaluated on: age_min, age_max, mask_types, o2_supports, languages, sample_types.
# A patient outside is answered with inconclusive. An empty table restricts nothing.
[population]

[onnxruntime]
minimum = "1.20"
below = "2"
"""

_ROLE: Final = """\
[[roles]]
role = "{role}"
required = {required}
"""


def draft_statement(name: str, roles: Sequence[RoleInput]) -> bytes:
    """Return it, for a model of that name (`[a-z0-9-]`) which hears these recordings."""
    heard = [_ROLE.format(role=e.role, required=str(e.required).lower()) for e in roles]
    return _DRAFT.format(name=name, protocol=PROTOCOL, roles="\n".join(heard)).encode()
