"""Answers as numbers: encoded as the manifest says, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import PredictionFailed
from appliance.core.manifest import Encoding, MetadataField
from appliance.core.metadata import encode_metadata

AGE = MetadataField(field="age", encoding=Encoding.NUMBER, missing=-1.0, categories={})
GENDER = MetadataField(
    field="gender",
    encoding=Encoding.CATEGORY,
    missing=-2.0,
    categories={"Masculino": 0.0, "Feminino": 1.0},
)
SENTENCES = MetadataField(
    field="speaks_full_sentences", encoding=Encoding.BOOLEAN, missing=-3.0, categories={}
)
FIELDS = (AGE, GENDER, SENTENCES)


@given(
    age=st.none() | st.integers(0, 120),
    gender=st.none() | st.sampled_from(["Masculino", "Feminino", "Outro"]),
    sentences=st.none() | st.booleans(),
)
def test_answers_become_numbers(
    age: int | None, gender: str | None, sentences: bool | None
) -> None:
    """In the manifest's order; absent answers and categories never seen count as missing."""
    form = {"age": age, "gender": gender, "speaks_full_sentences": sentences, "spo2": 93}
    encoded = encode_metadata(form, FIELDS)
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [
        [
            -1.0 if age is None else age,
            {"Masculino": 0.0, "Feminino": 1.0}.get(str(gender), -2.0),
            -3.0 if sentences is None else float(sentences),
        ]
    ]


def test_an_absent_answer_is_missing() -> None:
    """A form without the member is as one that holds null."""
    assert encode_metadata({}, FIELDS).tolist() == [[-1.0, -2.0, -3.0]]


@pytest.mark.parametrize(
    "form",
    [
        {"age": "60"},
        {"age": True},
        {"gender": 1},
        {"gender": True},
        {"speaks_full_sentences": 1},
        {"speaks_full_sentences": "true"},
        {"age": [60]},
    ],
)
def test_an_answer_of_another_type_is_never_guessed_at(form: dict[str, object]) -> None:
    """The protocol and the model do not fit together: the run is refused, naming the field."""
    with pytest.raises(PredictionFailed) as failed:
        encode_metadata(form, FIELDS)
    assert failed.value.details == {"reason": "metadata-type", "field": next(iter(form))}
