"""Probability to pre-diagnosis, and the reasons for which no model is run."""

# ruff: noqa: ANN401 - what may be changed is what `decide_before_run` takes

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.diagnosis import (
    COULD_NOT,
    Diagnosis,
    Reason,
    decide_before_run,
    diagnose,
)
from appliance.core.manifest import Population, RoleInput
from tests.bundle_builders import a_manifest

PROBABILITIES = st.floats(0.0, 1.0)
POPULATION = Population(
    age_min=18,
    age_max=100,
    mask_types=("NONE", "THIN"),
    o2_supports=("room_air",),
    languages=("pt-BR",),
    sample_types=("PATIENT", "TEST"),
)
FITTING = {
    "age": 60,
    "mask_type": "NONE",
    "o2_support": "room_air",
    "sample_type": "PATIENT",
}
ROLES = st.sampled_from(["sustentada", "parlenda", "frase"])
NOT_DONE = (
    "refused", "cannot_read", "too_breathless", "intubated", "no_voice", "confused", "language",
    "interrupted", "technical", "other",
)  # fmt: skip


def decided(**changes: Any) -> tuple[Reason, str] | None:
    """Decide on a patient who fits in every way, but for the changes."""
    whole: dict[str, Any] = {
        "protocol_id": "spira-2022.1",
        "form": FITTING,
        "verdicts": {"sustentada": "ok", "parlenda": "ok", "frase": "ok"},
        "not_done": {},
        "language": "pt-BR",
    }
    return decide_before_run(a_manifest(population=POPULATION), **{**whole, **changes})


@given(probability=PROBABILITIES, thresholds=st.tuples(PROBABILITIES, PROBABILITIES))
def test_three_answers_and_no_fourth(probability: float, thresholds: tuple[float, float]) -> None:
    """From `t_high` up positive, else from `t_low` down negative, else the grey zone."""
    t_low, t_high = sorted(thresholds)
    diagnosis, reason = diagnose(probability, t_low, t_high)
    if probability >= t_high:
        assert (diagnosis, reason) == (Diagnosis.POSITIVE, None)
    elif probability <= t_low:
        assert (diagnosis, reason) == (Diagnosis.NEGATIVE, None)
    else:
        assert (diagnosis, reason) == (Diagnosis.INCONCLUSIVE, Reason.GREY_ZONE)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0.35, "negative"), (0.3500001, "inconclusive"), (0.6499, "inconclusive"), (0.65, "positive")],
)
def test_thresholds_belong_to_the_answers(probability: float, expected: str) -> None:
    """On a threshold there is an answer."""
    assert diagnose(probability, 0.35, 0.65)[0] == expected


def test_one_threshold_leaves_no_grey_zone() -> None:
    """On it the answer is positive: the error that does less harm."""
    assert diagnose(0.5, 0.5, 0.5) == (Diagnosis.POSITIVE, None)
    assert diagnose(0.4999, 0.5, 0.5) == (Diagnosis.NEGATIVE, None)


def test_a_patient_who_fits_is_scored() -> None:
    """Nothing stands in the way; a warning about a recording does not."""
    assert decided() is None
    assert decided(verdicts={"sustentada": "warn", "parlenda": "warn"}) is None


@pytest.mark.parametrize("reason", NOT_DONE)
def test_why_a_required_recording_was_not_done(reason: str) -> None:
    """A sign of how ill the patient is asks to look at them; the rest is merely missing."""
    unable = reason in {"too_breathless", "intubated", "no_voice", "confused"}
    expected = Reason.PATIENT_UNABLE if unable else Reason.MISSING_RECORDING
    found = decided(verdicts={"sustentada": "ok"}, not_done={"parlenda": reason})
    assert found == (expected, "parlenda")


def test_a_required_recording_without_a_word_is_missing() -> None:
    """The first of the manifest's roles is named."""
    assert decided(verdicts={}) == (Reason.MISSING_RECORDING, "sustentada")


def test_a_failed_required_recording_is_invalid() -> None:
    """Only what failed, and only of a role the model requires."""
    failed = {"sustentada": "ok", "parlenda": "fail", "frase": "ok"}
    assert decided(verdicts=failed) == (Reason.INVALID_RECORDING, "parlenda")


def test_optional_recordings_never_stand_in_the_way() -> None:
    """Failed, not done or absent: the model copes."""
    required = {"sustentada": "ok", "parlenda": "ok"}
    assert decided(verdicts={**required, "frase": "fail"}) is None
    assert decided(verdicts=required, not_done={"frase": "too_breathless"}) is None


@pytest.mark.parametrize("role", ["ruido", "aceite"])
def test_recordings_the_model_does_not_hear_decide_nothing(role: str) -> None:
    """Consent and room noise may fail."""
    verdicts = {"sustentada": "ok", "parlenda": "ok", role: "fail"}
    assert decided(verdicts=verdicts) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age", 17),
        ("age", 101),
        ("mask_type", "THICK"),
        ("o2_support", "nasal_cannula"),
        ("sample_type", "CONTROL"),
    ],
)
def test_outside_the_population(field: str, value: object) -> None:
    """Whom the model was not evaluated on gets no answer from it, and the field is named."""
    found = decided(form={**FITTING, field: value})
    assert found == (Reason.OUTSIDE_INTENDED_USE, field)


@pytest.mark.parametrize("field", sorted(FITTING))
def test_a_missing_answer_excludes_nobody(field: str) -> None:
    """Null, or no member at all."""
    assert decided(form={**FITTING, field: None}) is None
    assert decided(form={name: v for name, v in FITTING.items() if name != field}) is None


def test_unknown_oxygen_is_a_missing_answer() -> None:
    """`unknown` says nothing that could exclude."""
    assert decided(form={**FITTING, "o2_support": "unknown"}) is None


def test_language_and_protocol_are_part_of_the_population() -> None:
    """Another language or protocol is outside; a language not known is not."""
    assert decided(language="es") == (Reason.OUTSIDE_INTENDED_USE, "language")
    assert decided(language=None) is None
    assert decided(protocol_id="spira-2027.1") == (Reason.OUTSIDE_INTENDED_USE, "protocol")


def test_ages_at_the_edges_are_inside() -> None:
    """Both bounds are included."""
    assert decided(form={**FITTING, "age": 18}) is None
    assert decided(form={**FITTING, "age": 100}) is None


def test_no_population_restricts_nobody() -> None:
    """A manifest may leave every bound out."""
    assert (
        decide_before_run(
            a_manifest(population=Population()),
            protocol_id="spira-2022.1",
            form={"age": 3, "mask_type": "THICK", "o2_support": "niv", "sample_type": "CONTROL"},
            verdicts={"sustentada": "ok", "parlenda": "ok"},
            not_done={},
            language="es",
        )
        is None
    )


def test_what_asks_to_look_at_the_patient_comes_first() -> None:
    """Then what no recording mends, then what is missing, then what is bad."""
    wrong: dict[str, Any] = {
        "not_done": {"sustentada": "confused"},
        "language": "es",
        "verdicts": {"parlenda": "fail"},
    }
    assert decided(**wrong) == (Reason.PATIENT_UNABLE, "sustentada")
    wrong["not_done"] = {"sustentada": "refused"}
    assert decided(**wrong) == (Reason.OUTSIDE_INTENDED_USE, "language")
    wrong["language"] = "pt-BR"
    assert decided(**wrong) == (Reason.MISSING_RECORDING, "sustentada")
    wrong["verdicts"] = {"parlenda": "fail", "sustentada": "ok"}
    assert decided(**wrong) == (Reason.INVALID_RECORDING, "parlenda")


def test_a_recording_that_was_taken_counts() -> None:
    """Whatever is said of why it was not done."""
    assert decided(not_done={"sustentada": "too_breathless"}) is None


def test_any_required_role_that_could_not_be_done_is_found() -> None:
    """Also where another one is missing for a lesser reason."""
    found = decided(verdicts={}, not_done={"sustentada": "refused", "parlenda": "no_voice"})
    assert found == (Reason.PATIENT_UNABLE, "parlenda")


@given(
    roles=st.lists(ROLES, unique=True, min_size=1),
    verdicts=st.dictionaries(
        ROLES,
        st.sampled_from(["ok", "warn", "fail"]),
    ),
    not_done=st.dictionaries(ROLES, st.sampled_from(NOT_DONE)),
)
def test_a_model_is_run_only_with_every_required_recording(
    roles: list[str], verdicts: dict[str, str], not_done: dict[str, str]
) -> None:
    """It is run if, and only if, each required role has a recording that did not fail."""
    manifest = a_manifest(roles=tuple(RoleInput(role=role, required=True) for role in roles))
    found = decide_before_run(
        manifest,
        protocol_id="spira-2022.1",
        form={},
        verdicts=verdicts,
        not_done=not_done,
        language=None,
    )
    assert (found is None) == all(verdicts.get(role) in {"ok", "warn"} for role in roles)
    if found is not None and found[0] is Reason.PATIENT_UNABLE:
        assert not_done[found[1]] in COULD_NOT
