"""The alias map of an import: what others call our columns and answers."""

from __future__ import annotations

import pytest

from appliance.core.errors import InvalidRequest
from appliance.core.import_aliases import OF_2021, Aliases, read_aliases

TEXT = """
[columns]
sexo = "gender"
grupo = ["sample_type", "respiratory_insufficiency_status"]
nota = []
[values.gender]
F = "Feminino"
[defaults]
mask_type = "THIN"
age = 40
stopped_early = false
"""


def test_a_row_is_told_in_our_words() -> None:
    """Columns and answers by the map, one column may be several, an empty cell is nothing."""
    aliases = read_aliases(TEXT)
    assert aliases.told(
        {"sexo": " f ", "grupo": "x", "nota": "secret", "spo2": "93", "cid": " "}
    ) == {
        "gender": "Feminino",
        "sample_type": "x",
        "respiratory_insufficiency_status": "x",
        "spo2": "93",
        "mask_type": "THIN",
        "age": "40",
        "stopped_early": "false",
    }


def test_a_default_gives_way() -> None:
    """To what the row says, not to an empty cell."""
    aliases = read_aliases(TEXT)
    assert aliases.told({"age": "61"})["age"] == "61"
    assert aliases.told({"age": ""})["age"] == "40"


def test_the_lists_of_2021_are_understood() -> None:
    """Class, sex and age; the level that nobody was asked for is left out."""
    row = {"file_path": "a.wav", "class": "1", "sexo": "M", "idade": "61", "nivel_falta_de_ar": "5"}
    assert OF_2021.told(row) == {
        "file_path": "a.wav",
        "sample_type": "PATIENT",
        "respiratory_insufficiency_status": "true",
        "gender": "Masculino",
        "age": "61",
        "covid_status": "UNKNOWN",
        "role": "frase",
    }
    assert OF_2021.told({"class": "0"})["sample_type"] == "CONTROL"


def test_a_map_of_ones_own_goes_first() -> None:
    """And what it does not say stays as it was."""
    own = Aliases(
        columns={"idade": ()}, values={"gender": {"m": "Outro"}}, defaults={"role": "parlenda"}
    )
    both = own.over(OF_2021)
    assert both.told({"idade": "61", "sexo": "M", "class": "0"}) == {
        "gender": "Outro",
        "sample_type": "CONTROL",
        "respiratory_insufficiency_status": "false",
        "covid_status": "UNKNOWN",
        "role": "parlenda",
    }
    assert both.told({"sexo": "F"})["gender"] == "Feminino"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("columns", {"aliases, file"}),
        ("[columns]\na = 1\nb = ['']", {"aliases, columns.a", "aliases, columns.b"}),
        ("columns = 1\n[colums]", {"aliases, columns", "aliases, colums"}),
        ("[values]\ngender = 'F'", {"aliases, values.gender"}),
        ("[values.gender]\nF = []", {"aliases, values.gender.F"}),
        ("[defaults]\nage = 2026-01-01", {"aliases, defaults.age"}),
    ],
)
def test_what_is_no_map_is_refused_by_name(text: str, fields: set[str]) -> None:
    """Everything that is wrong at once."""
    with pytest.raises(InvalidRequest) as refusal:
        read_aliases(text)
    assert {fault.field for fault in refusal.value.errors} == fields
