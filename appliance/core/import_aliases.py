"""What others call our columns and answers: the alias map of an import, a TOML document.

[columns]                      # theirs = ours; a list is several, an empty list leaves it out
sexo = "gender"
nivel_falta_de_ar = []
[values.gender]                # theirs = ours, upper or lower case
F = "Feminino"
[defaults]                     # where a row has nothing
mask_type = "THIN"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.core.errors import FieldError, InvalidRequest

_SECTIONS: Final = frozenset({"columns", "values", "defaults"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliases:
    """How the texts of a row become ours.

    Attributes:
        columns: their column -> ours; a column that is not among them keeps its name.
        values: our column -> their text in lower case -> ours.
        defaults: our column -> what stands where a row has nothing.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    def told(self, row: Mapping[str, str]) -> dict[str, str]:
        """Return the row in our words: only what is not empty."""
        found = dict(self.defaults)
        for column, text in row.items():
            for name in self.columns.get(column, (column,)):
                ours = self.values.get(name, {}).get(text.strip().casefold(), text)
                if ours.strip():
                    found[name] = ours
        return found

    def over(self, under: Aliases) -> Aliases:
        """Return these, and where they say nothing, those under them."""
        names = {*under.values, *self.values}
        return Aliases(
            columns={**under.columns, **self.columns},
            values={n: {**under.values.get(n, {}), **self.values.get(n, {})} for n in names},
            defaults={**under.defaults, **self.defaults},
        )


OF_2021: Final = Aliases(
    columns={
        "class": ("sample_type", "respiratory_insufficiency_status"),
        "sexo": ("gender",),
        "idade": ("age",),
        "nivel_falta_de_ar": (),
    },
    values={
        "sample_type": {"0": "CONTROL", "1": "PATIENT"},
        "respiratory_insufficiency_status": {"0": "false", "1": "true"},
        "gender": {
            **dict.fromkeys(("f", "fem", "feminino", "mulher"), "Feminino"),
            **dict.fromkeys(("m", "masc", "masculino", "homem"), "Masculino"),
        },
    },
    defaults={"gender": "Não informado", "covid_status": "UNKNOWN", "role": "frase"},
)
"""Of SPIRA's lists of 2021: `file_path,class`, and with them `sexo,idade,nivel_falta_de_ar`.

One file is one person reading the sentence; class 1 is a patient with respiratory insufficiency
(Casanova et al., "Deep Learning against COVID-19: Respiratory Insufficiency Detection in Brazilian
Portuguese Speech", 2021). The level of shortness of breath was set, not asked: it is left out.
"""


def read_aliases(text: str) -> Aliases:
    """Return the alias map of a TOML document.

    Raises:
        InvalidRequest: it is none; `errors` name what is wrong by its dotted path.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(_fault("file", "format", f"is no TOML: {error}")) from error
    faults = [*_faults(document)]
    if faults:
        raise _refused(*faults)
    return Aliases(
        columns={
            theirs: (ours,) if isinstance(ours, str) else tuple(ours)
            for theirs, ours in document.get("columns", {}).items()
        },
        values={
            name: {theirs.casefold(): _text(ours) for theirs, ours in answers.items()}
            for name, answers in document.get("values", {}).items()
        },
        defaults={name: _text(value) for name, value in document.get("defaults", {}).items()},
    )


def _faults(document: Mapping[str, Any]) -> Iterator[FieldError]:
    for section, content in document.items():
        if section not in _SECTIONS:
            yield _fault(section, "unknown", f"is none of {', '.join(sorted(_SECTIONS))}")
        elif not isinstance(content, dict):
            yield _fault(section, "type", "is a table")
        elif section == "columns":
            yield from _column_faults(content)
        elif section == "defaults":
            yield from _answer_faults(section, content)
        else:
            for name, answers in content.items():
                at = f"{section}.{name}"
                if isinstance(answers, dict):
                    yield from _answer_faults(at, answers)
                else:
                    yield _fault(at, "type", "is a table")


def _column_faults(columns: Mapping[str, Any]) -> Iterator[FieldError]:
    for theirs, ours in columns.items():
        names = ours if isinstance(ours, list) else [ours]
        if not all(isinstance(name, str) and name for name in names):
            yield _fault(f"columns.{theirs}", "type", "is a name, or a list of names")


def _answer_faults(at: str, answers: Mapping[str, Any]) -> Iterator[FieldError]:
    for name, value in answers.items():
        if not isinstance(value, str | int | float):
            yield _fault(f"{at}.{name}", "type", "is a text, a number or a truth value")


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - whatever TOML holds
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fault(name: str, code: str, message: str) -> FieldError:
    return FieldError(field=f"aliases, {name}", code=code, message=message)


def _refused(*faults: FieldError) -> InvalidRequest:
    return InvalidRequest("The alias map is not one.", errors=faults)
