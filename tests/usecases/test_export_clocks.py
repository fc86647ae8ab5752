"""What an export holds does not hang on the clock of a tablet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.core.ids import ResultId
from tests.builders import NOON, a_model_version, an_audit
from tests.usecases.test_export import export, sent, told, withdraw, work
from tests.usecases.test_export_choices import exported
from tests.usecases.ward import Ward

YEAR = timedelta(days=365)


@pytest.mark.parametrize("ahead", [timedelta(hours=2), YEAR])
def test_who_took_consent_back_is_in_no_export_whatever_a_tablet_says(
    ward: Ward, tmp_path: Path, ahead: timedelta
) -> None:
    """A consent the box had before the withdrawal was given before it."""
    asked = ward.request(ward.recordings(), captured_at=NOON + ahead)
    ward.submit(replace(asked, consent=replace(asked.consent, taken_at=NOON + ahead)))
    withdraw(ward, sent(ward).id)

    counts = export(ward, tmp_path / "out")

    assert (counts.n_inferences, counts.n_without_consent) == (0, 2)


def test_the_box_s_own_work_is_not_told_by_the_clock_of_a_tablet(
    ward: Ward, tmp_path: Path
) -> None:
    """A tablet a year ahead takes no night of rescoring for a part of the visit."""
    inference, _ = ward.submit(ward.request(ward.recordings(), captured_at=NOON + YEAR))
    work(ward)
    (own,) = ward.records.inferences.results(inference.id)
    assert own.computed_at is not None
    night = own.computed_at + timedelta(days=40)
    version = a_model_version(id="other-1", model_name="voice", version="0.2.0", sequence=2)
    ward.records.models.add_version(version, audit=an_audit())
    shadow = replace(
        own,
        id=ResultId("shadow-1"),
        model_version_id=version.id,
        shadow=True,
        computed_at=night,
    )
    ward.records.inferences.add_shadow(shadow, audit=an_audit())

    tables = exported(ward, tmp_path / "out")

    at = {row["shadow"]: row["computed_at"] for row in tables["results.csv"]}
    assert (bool(at["false"]), at["true"]) == (True, "")
    (row,) = tables["inferences.csv"]
    assert row["id"] == told(inference.id)
    # When it was taken is the tablet's word, none of the box's work: it stays, and imports need it.
    apart = datetime.fromisoformat(row["created_in"]) - datetime.fromisoformat(row["received_at"])
    assert apart == YEAR
