"""What every filler of ModelRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.errors import (
    BundleConflict,
    BundleOutdated,
    ModelNotFound,
    NameTaken,
    NothingToRollBack,
    VersionPending,
)
from appliance.core.ids import ModelId, ModelVersionId
from appliance.core.model import ModelVersion, VersionState
from appliance.ports import Stored
from tests.builders import (
    a_model,
    a_model_version,
    a_result,
    an_answer,
    an_audit,
    an_inference,
    digest_of,
    later,
)
from tests.contracts.records import Records, n_audited

MODEL = ModelId("model-1")


def version(number: int) -> ModelVersion:
    """Return the version of that number, not yet installed."""
    return a_model_version(
        id=ModelVersionId(f"version-{number}"), version=f"{number}.0.0", sequence=number
    )


def install(records: Records, *numbers: int) -> None:
    """Install versions, and activate each."""
    for number in numbers:
        records.models.add_version(version(number), audit=an_audit())
        activate(records, number)


def activate(records: Records, number: int, *, default: bool = False) -> None:
    """Activate an installed version."""
    records.models.activate(version(number).id, default=default, audit=an_audit())


def test_a_model_waits_for_its_first_bundle(records: Records) -> None:
    """A name alone is not ready, and never the default."""
    records.models.add_model(a_model(is_default=True), audit=an_audit())
    assert records.models.models() == (a_model(),)
    assert records.models.model(MODEL) == records.models.model_named("SpiraConv") == a_model()


@pytest.mark.parametrize("taken", [{"name": "SpiraConv"}, {"publishing_channel": "spira-conv"}])
def test_name_and_channel_are_taken_once(records: Records, taken: dict[str, str]) -> None:
    """A second model needs both of its own."""
    records.models.add_model(a_model(), audit=an_audit())
    own = {"id": ModelId("model-2"), "name": "Other", "publishing_channel": "other"}
    with pytest.raises(NameTaken):
        records.models.add_model(a_model(**(own | taken)), audit=an_audit())
    assert records.models.models() == (a_model(),)


def test_unknown_models_and_versions_are_missing(records: Records) -> None:
    """By id, by name, by version, and when something is to be done with them."""
    unknown = ModelVersionId("version-9")
    with pytest.raises(ModelNotFound):
        records.models.model(MODEL)
    with pytest.raises(ModelNotFound):
        records.models.model_named("SpiraConv")
    with pytest.raises(ModelNotFound):
        records.models.version(unknown)
    with pytest.raises(ModelNotFound):
        records.models.add_version(version(1), audit=an_audit())
    with pytest.raises(ModelNotFound):
        records.models.activate(unknown, default=False, audit=an_audit())
    with pytest.raises(ModelNotFound):
        records.models.set_state(unknown, VersionState.SHADOW, audit=an_audit())
    with pytest.raises(ModelNotFound):
        records.models.previous_active(MODEL)


def test_an_active_version_makes_its_model_ready(furnished: Records) -> None:
    """The first model ever activated is the default."""
    active = replace(a_model_version(), state=VersionState.ACTIVE)
    ready = a_model(active=active, ever_installed=True, is_default=True)
    assert furnished.models.models() == (ready,)
    assert furnished.models.version(active.id) == active
    assert furnished.models.versions() == furnished.models.versions(MODEL) == (active,)


def test_another_model_becomes_the_default_when_asked(furnished: Records) -> None:
    """The default comes first, then names; there is one default."""
    other = a_model(id=ModelId("model-2"), name="Zeta", publishing_channel="zeta")
    others = replace(version(1), id=ModelVersionId("zeta-1"), model_id=other.id, model_name="Zeta")
    furnished.models.add_model(other, audit=an_audit())
    furnished.models.add_version(others, audit=an_audit())
    furnished.models.activate(others.id, default=False, audit=an_audit())
    assert [m.name for m in furnished.models.models()] == ["SpiraConv", "Zeta"]
    furnished.models.activate(others.id, default=True, audit=an_audit())
    assert [(m.name, m.is_default) for m in furnished.models.models()] == [
        ("Zeta", True),
        ("SpiraConv", False),
    ]
    assert [v.id for v in furnished.models.versions()] == ["version-1", "zeta-1"]
    assert [v.id for v in furnished.models.versions(other.id)] == ["zeta-1"]


def test_one_version_is_active(furnished: Records) -> None:
    """The former active version is installed again."""
    furnished.models.add_version(version(2), audit=an_audit())
    assert [v.state.value for v in furnished.models.versions()] == ["active", "installed"]
    activate(furnished, 2)
    assert [v.state.value for v in furnished.models.versions()] == ["installed", "active"]
    active = furnished.models.model(MODEL).active
    assert active is not None
    assert active.id == version(2).id


def test_installing_again_changes_nothing(furnished: Records) -> None:
    """The same bundle is the same answer, whatever id the caller made up."""
    n_before = n_audited(furnished)
    again = replace(a_model_version(), id=ModelVersionId("made-up"), installed_at=later(9))
    assert furnished.models.add_version(again, audit=an_audit()) is Stored.SAME
    assert len(furnished.models.versions()) == 1
    assert n_audited(furnished) == n_before


def test_a_version_never_gets_other_content(furnished: Records) -> None:
    """A version never changes."""
    other = replace(a_model_version(), digest=digest_of("other manifest"))
    with pytest.raises(BundleConflict):
        furnished.models.add_version(other, audit=an_audit())


@pytest.mark.parametrize("sequence", [1, 2])
def test_an_older_bundle_is_refused(furnished: Records, sequence: int) -> None:
    """An old bundle on a stick brings nothing back, even after the newest was removed."""
    install(furnished, 2)
    activate(furnished, 1)
    furnished.models.set_state(version(2).id, VersionState.REMOVED, audit=an_audit())
    stale = replace(version(7), sequence=sequence)
    with pytest.raises(BundleOutdated):
        furnished.models.add_version(stale, audit=an_audit())


def test_the_newest_version_comes_back_after_its_removal(furnished: Records) -> None:
    """Its bundle may be installed again; an older one's may not."""
    install(furnished, 2, 3)
    activate(furnished, 1)
    for number in (2, 3):
        furnished.models.set_state(version(number).id, VersionState.REMOVED, audit=an_audit())
    again = replace(version(3), id=ModelVersionId("made-up"))
    assert furnished.models.add_version(again, audit=an_audit()) is Stored.NEW
    assert furnished.models.version(version(3).id).state is VersionState.INSTALLED
    with pytest.raises(BundleOutdated):
        furnished.models.add_version(version(2), audit=an_audit())


def test_going_back_takes_the_step_back(furnished: Records) -> None:
    """After 1, 2, 3 and back to 2, the next one back is 1, never the 3 that was left."""
    install(furnished, 2, 3)
    assert furnished.models.previous_active(MODEL).id == version(2).id
    activate(furnished, 2)
    assert furnished.models.previous_active(MODEL).id == version(1).id
    activate(furnished, 1)
    with pytest.raises(NothingToRollBack):
        furnished.models.previous_active(MODEL)


def test_a_removed_version_is_not_gone_back_to(furnished: Records) -> None:
    """The one before it is; activating the active one again is no step."""
    install(furnished, 2, 3)
    activate(furnished, 3)
    furnished.models.set_state(version(2).id, VersionState.REMOVED, audit=an_audit())
    assert furnished.models.previous_active(MODEL).id == version(1).id
    with pytest.raises(ModelNotFound):
        activate(furnished, 2)
    with pytest.raises(ModelNotFound):
        furnished.models.set_state(version(2).id, VersionState.SHADOW, audit=an_audit())


def test_the_first_version_has_none_before_it(furnished: Records) -> None:
    """There is nothing to roll back to."""
    with pytest.raises(NothingToRollBack):
        furnished.models.previous_active(MODEL)


def test_a_version_in_use_is_not_removed(furnished: Records) -> None:
    """Neither the active one, nor one that results wait for; afterwards it goes."""
    with pytest.raises(VersionPending):
        furnished.models.set_state(version(1).id, VersionState.REMOVED, audit=an_audit())
    assert furnished.models.awaited() == frozenset()
    result = a_result()
    furnished.inferences.add_inference(an_inference(), [result], audit=an_audit())
    install(furnished, 2)
    with pytest.raises(VersionPending):
        furnished.models.set_state(version(1).id, VersionState.REMOVED, audit=an_audit())
    assert furnished.models.awaited() == {version(1).id}
    furnished.jobs.claim(result.id, owner="me", now=later(0), lease_until=later(9))
    assert furnished.models.awaited() == {version(1).id}
    with pytest.raises(VersionPending):
        furnished.models.set_state(version(1).id, VersionState.REMOVED, audit=an_audit())
    furnished.jobs.complete(result.id, an_answer(), owner="me", at=later(1), audit=an_audit())
    assert furnished.models.awaited() == frozenset()
    furnished.models.set_state(version(1).id, VersionState.REMOVED, audit=an_audit())
    assert furnished.models.version(version(1).id).state is VersionState.REMOVED
    assert furnished.models.model(MODEL).ever_installed


def test_a_shadow_is_neither_active_nor_waiting(furnished: Records) -> None:
    """A version may run in the shadow, and stop doing so; `active` has its own verb."""
    furnished.models.add_version(version(2), audit=an_audit())
    for state in (VersionState.SHADOW, VersionState.INSTALLED):
        furnished.models.set_state(version(2).id, state, audit=an_audit())
        assert furnished.models.version(version(2).id).state is state
    with pytest.raises(ValueError, match="active"):
        furnished.models.set_state(version(2).id, VersionState.ACTIVE, audit=an_audit())
