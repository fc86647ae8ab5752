"""What every filler of JobRecords promises: nothing lost, nothing answered twice."""

from __future__ import annotations

import pytest

from appliance.core.audit import AuditAction, audited
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.errors import PredictionPoisonous
from appliance.core.ids import InferenceId, ModelVersionId, ResultId, UserId
from appliance.core.inference import InferenceStatus
from appliance.core.result import MAX_CRASHES_ALONE, Result, ResultState
from tests.builders import (
    NOON,
    a_model_version,
    a_result,
    an_answer,
    an_audit,
    an_inference,
    later,
)
from tests.contracts.records import Records, n_audited

LEASE = later(60.0)


def submit(records: Records, number: int) -> ResultId:
    """Store one inference with its queued result; return the result's id."""
    inference = an_inference(id=InferenceId(f"inference-{number}"))
    result = a_result(id=ResultId(f"result-{number}"), inference_id=inference.id)
    records.inferences.add_inference(inference, [result], audit=an_audit())
    return result.id


def claim(records: Records, result_id: ResultId | None = None, owner: str = "me") -> Result | None:
    """Claim a result, or the next one, at noon for a minute."""
    return records.jobs.claim(result_id, owner=owner, now=NOON, lease_until=LEASE)


def complete(records: Records, result_id: ResultId, owner: str = "me") -> bool:
    """Answer negative."""
    return records.jobs.complete(
        result_id, an_answer(), owner=owner, at=later(1.0), audit=an_audit()
    )


def crash(records: Records) -> tuple[ResultId, ...]:
    """Begin anew after the process ended without a word."""
    return records.jobs.reconcile(owner="next", now=NOON, starting=True)


def a_minute_passes(records: Records) -> None:
    """Look again for what is unfinished; no lease has run out."""
    records.jobs.reconcile(owner="me", now=NOON, starting=False)


def stored(records: Records, number: int) -> Result:
    """Return the one result of an inference."""
    (result,) = records.inferences.results(InferenceId(f"inference-{number}"))
    return result


def test_a_claim_counts_the_attempt_before_the_run(furnished: Records) -> None:
    """A claimed result is running, and one attempt is on record already."""
    result_id = submit(furnished, 1)
    claimed = claim(furnished, result_id)
    expected = a_result(state=ResultState.RUNNING, attempts=1)
    assert claimed == expected
    assert stored(furnished, 1) == expected


def test_a_result_is_claimed_once(furnished: Records) -> None:
    """Who comes second gets nothing, by name or not."""
    result_id = submit(furnished, 1)
    assert claim(furnished, result_id) is not None
    assert claim(furnished, result_id, owner="other") is None
    assert claim(furnished, owner="other") is None


def test_what_is_not_there_cannot_be_claimed(furnished: Records) -> None:
    """Unknown and answered results are nothing to do, and no error."""
    assert claim(furnished) is None
    assert claim(furnished, ResultId("result-9")) is None
    result_id = submit(furnished, 1)
    claim(furnished, result_id)
    complete(furnished, result_id)
    assert claim(furnished, result_id) is None


def test_work_is_given_in_the_order_of_arrival(furnished: Records) -> None:
    """First come, first served."""
    ids = [submit(furnished, number) for number in (3, 1, 2)]
    given = [claim(furnished) for _ in ids]
    assert [result.id for result in given if result] == ids


def test_an_answer_settles_the_inference(furnished: Records) -> None:
    """Result and inference say the same after one write, which is audited."""
    result_id = submit(furnished, 1)
    claim(furnished)
    n_before = n_audited(furnished)
    assert complete(furnished, result_id)
    assert stored(furnished, 1) == a_result(
        state=ResultState.DONE,
        attempts=1,
        output=(0.125,),
        probability=0.125,
        diagnosis=Diagnosis.NEGATIVE,
        computed_at=later(1.0),
        latency_ms=87.5,
    )
    inference = furnished.inferences.inference(InferenceId("inference-1"))
    assert inference.status is InferenceStatus.COMPLETED
    assert inference.diagnosis is Diagnosis.NEGATIVE
    assert n_audited(furnished) == n_before + 1


def test_an_error_is_an_answer_too(furnished: Records) -> None:
    """A run that could not be completed is an error with its code, inconclusive."""
    result_id = submit(furnished, 1)
    claim(furnished)
    answer = an_answer(
        diagnosis=Diagnosis.INCONCLUSIVE,
        probability=None,
        output=(),
        error_code="prediction-failed",
    )
    furnished.jobs.complete(result_id, answer, owner="me", at=NOON, audit=an_audit())
    result = stored(furnished, 1)
    assert (result.state, result.error_code) == (ResultState.ERROR, "prediction-failed")
    assert (result.diagnosis, result.output) == (Diagnosis.INCONCLUSIVE, ())
    inference = furnished.inferences.inference(InferenceId("inference-1"))
    assert inference.status is InferenceStatus.ERROR


def test_a_reason_reaches_result_and_inference(furnished: Records) -> None:
    """Why a result is inconclusive stands in both."""
    result_id = submit(furnished, 1)
    claim(furnished)
    answer = an_answer(
        diagnosis=Diagnosis.INCONCLUSIVE,
        reason=Reason.MISSING_RECORDING,
        reason_subject="sustentada",
        probability=None,
        output=(),
    )
    furnished.jobs.complete(result_id, answer, owner="me", at=NOON, audit=an_audit())
    result = stored(furnished, 1)
    assert (result.reason, result.reason_subject) == (Reason.MISSING_RECORDING, "sustentada")
    inference = furnished.inferences.inference(InferenceId("inference-1"))
    assert inference.reason is Reason.MISSING_RECORDING


def test_a_shadow_settles_nothing(furnished: Records) -> None:
    """What a shadow says is stored, and the inference still waits for its own model."""
    shadow_version = a_model_version(id=ModelVersionId("version-2"), version="2.0.0", sequence=2)
    furnished.models.add_version(shadow_version, audit=an_audit())
    shadow = a_result(
        id=ResultId("shadow"),
        model_version_id=shadow_version.id,
        model_version="2.0.0",
        graph_sha256=shadow_version.graph_sha256,
        shadow=True,
    )
    furnished.inferences.add_inference(an_inference(), [shadow, a_result()], audit=an_audit())
    claim(furnished, shadow.id)
    assert complete(furnished, shadow.id)
    inference = furnished.inferences.inference(InferenceId("inference-1"))
    assert (inference.status, inference.diagnosis) == (InferenceStatus.PROCESSING, None)
    results = furnished.inferences.results(inference.id)
    assert [(r.shadow, r.state) for r in results] == [
        (False, ResultState.QUEUED),
        (True, ResultState.DONE),
    ]


def test_a_stranger_s_answer_changes_nothing(furnished: Records) -> None:
    """Only who holds the claim may answer, and only once; what is refused is not audited."""
    result_id = submit(furnished, 1)
    assert not complete(furnished, result_id)
    claim(furnished)
    n_before = n_audited(furnished)
    assert not complete(furnished, result_id, owner="other")
    assert not complete(furnished, ResultId("result-9"))
    assert n_audited(furnished) == n_before
    assert complete(furnished, result_id)
    assert not complete(furnished, result_id)
    assert n_audited(furnished) == n_before + 1


def test_an_orderly_stop_counts_as_no_attempt(furnished: Records) -> None:
    """What this owner ran waits again as if it had never begun; others run on."""
    mine, other = submit(furnished, 1), submit(furnished, 2)
    claim(furnished, mine)
    claim(furnished, other, owner="other")
    assert furnished.jobs.release(owner="me") == 1
    assert stored(furnished, 1) == a_result()
    assert stored(furnished, 2).state is ResultState.RUNNING
    assert not complete(furnished, mine)
    assert furnished.jobs.release(owner="me") == 0


def test_one_result_is_given_back_alone(furnished: Records) -> None:
    """What else its owner runs goes on, and nobody gives back another's."""
    mine, other = submit(furnished, 1), submit(furnished, 2)
    claim(furnished, mine)
    claim(furnished, other)
    assert furnished.jobs.release(owner="other", result_id=mine) == 0
    assert furnished.jobs.release(owner="me", result_id=mine) == 1
    assert stored(furnished, 1) == a_result()
    assert stored(furnished, 2).state is ResultState.RUNNING
    assert complete(furnished, other)


def test_an_expired_lease_is_queued_again(furnished: Records) -> None:
    """Every minute, what nobody works on any more waits again; the attempt stays counted."""
    result_id = submit(furnished, 1)
    claim(furnished)
    assert furnished.jobs.reconcile(owner="me", now=LEASE, starting=False) == ()
    after = later(61.0)
    assert furnished.jobs.reconcile(owner="me", now=after, starting=False) == (result_id,)
    assert (stored(furnished, 1).state, stored(furnished, 1).attempts) == (ResultState.QUEUED, 1)
    assert not complete(furnished, result_id)


@pytest.mark.parametrize(("back_s", "is_void"), [(-30.0, False), (-61.0, True), (-1e9, True)])
def test_a_claim_of_the_future_is_void(furnished: Records, back_s: float, is_void: bool) -> None:
    """The clock went back: its lease might last for years. Small corrections change nothing."""
    result_id = submit(furnished, 1)
    claim(furnished)
    waiting = furnished.jobs.reconcile(owner="me", now=later(back_s), starting=False)
    assert waiting == ((result_id,) if is_void else ())
    if is_void:
        assert claim(furnished) is not None
    # Whoever is heard first, the run that was thought dead or its successor: once.
    assert [complete(furnished, result_id) for _ in range(2)] == [True, False]


def test_what_never_ran_is_returned_as_it_is(furnished: Records) -> None:
    """Reconciling twice is reconciling once: queued results are named, and no suspects."""
    ids = (submit(furnished, 1), submit(furnished, 2))
    assert crash(furnished) == ids
    assert crash(furnished) == ids
    assert claim(furnished) is not None
    assert claim(furnished) is not None


def test_what_ran_in_a_crash_is_tried_again_alone(furnished: Records) -> None:
    """A suspect comes first, while nothing else runs, and nothing else is given meanwhile."""
    other, suspect = submit(furnished, 1), submit(furnished, 2)
    claim(furnished, suspect)
    assert crash(furnished) == (suspect, other)
    assert claim(furnished, other) is None
    given = claim(furnished)
    assert given is not None
    assert (given.id, given.attempts) == (suspect, 2)
    assert claim(furnished) is None
    assert claim(furnished, other) is None
    complete(furnished, suspect)
    assert claim(furnished, other) is not None


def test_two_suspects_run_one_after_the_other(furnished: Records) -> None:
    """Which of two crashed the process shows only if each runs alone."""
    first, second = submit(furnished, 1), submit(furnished, 2)
    claim(furnished, first)
    claim(furnished, second)
    crash(furnished)
    given = claim(furnished, second)
    assert given is not None
    assert claim(furnished) is None
    assert claim(furnished, first) is None
    complete(furnished, second)
    given = claim(furnished)
    assert given is not None
    assert given.id == first


def test_a_suspect_waits_until_nothing_else_runs(furnished: Records) -> None:
    """What was released or leased by another process is not disturbed, and no new work begins."""
    suspect, running, waiting = (submit(furnished, number) for number in (1, 2, 3))
    claim(furnished, suspect)
    crash(furnished)
    # Alone, it is stopped in order: it stays a suspect. Meanwhile nothing else may begin.
    claim(furnished, suspect)
    furnished.jobs.release(owner="me")
    assert claim(furnished, running) is None
    assert claim(furnished, waiting) is None
    given = claim(furnished)
    assert given is not None
    assert given.id == suspect


def test_after_three_crashes_alone_a_result_is_poison(furnished: Records) -> None:
    """It becomes an error with its code, audited, and the others go on."""
    poison, other = submit(furnished, 1), submit(furnished, 2)
    claim(furnished, poison)
    crash(furnished)
    for _ in range(MAX_CRASHES_ALONE - 1):
        a_minute_passes(furnished)
        assert claim(furnished) is not None
        assert crash(furnished) == (poison, other)
    a_minute_passes(furnished)
    claim(furnished)
    assert crash(furnished) == (other,)
    result = stored(furnished, 1)
    assert (result.state, result.error_code) == (ResultState.ERROR, PredictionPoisonous.code)
    assert (result.diagnosis, result.output) == (Diagnosis.INCONCLUSIVE, ())
    assert result.attempts == MAX_CRASHES_ALONE + 1
    assert result.computed_at == NOON
    inference = furnished.inferences.inference(InferenceId("inference-1"))
    assert inference.status is InferenceStatus.ERROR
    assert inference.diagnosis is Diagnosis.INCONCLUSIVE
    last = list(furnished.audit.rows())[-1].entry
    assert (last.action, last.entity_id, last.actor) == (AuditAction.RESULT_STORED, poison, "box")
    assert last.details["error_code"] == PredictionPoisonous.code
    assert claim(furnished) is not None


def test_what_crashed_alone_waits_until_the_box_has_lasted(furnished: Records) -> None:
    """A box that falls again and again just after its start makes no poison; others go on."""
    victim, *others = (submit(furnished, number) for number in range(MAX_CRASHES_ALONE + 1))
    claim(furnished, victim)
    crash(furnished)
    claim(furnished)
    for other in others:
        assert crash(furnished)[0] == victim
        assert claim(furnished, victim) is None
        given = claim(furnished)
        assert given is not None
        assert given.id == other
        complete(furnished, other)
    assert claim(furnished) is None
    a_minute_passes(furnished)
    given = claim(furnished)
    assert given is not None
    assert given.id == victim


def test_an_orderly_stop_while_alone_is_no_crash(furnished: Records) -> None:
    """However often the box is stopped in order, nothing becomes poison."""
    poison = submit(furnished, 1)
    claim(furnished)
    crash(furnished)
    for _ in range(2 * MAX_CRASHES_ALONE):
        claim(furnished)
        furnished.jobs.release(owner="me")
        assert crash(furnished) == (poison,)
    assert stored(furnished, 1).state is ResultState.QUEUED


@pytest.mark.parametrize("n_done", [0, 1, 3])
def test_results_are_counted_by_state(furnished: Records, n_done: int) -> None:
    """Every state has a number, 0 included."""
    for number in range(4):
        submit(furnished, number)
    for _ in range(n_done):
        claimed = claim(furnished)
        assert claimed is not None
        complete(furnished, claimed.id)
    expected = {"queued": 4 - n_done, "running": 0, "done": n_done, "error": 0}
    assert furnished.jobs.counts() == expected


def test_answers_are_told_in_the_order_they_came_and_only_their_own(furnished: Records) -> None:
    """After one that is known come the later ones; shadows and others' answers do not count."""
    ids = [submit(furnished, number) for number in (1, 2)]
    other = an_inference(id=InferenceId("inference-3"))
    shadow = a_result(id=ResultId("result-3"), inference_id=other.id, shadow=True)
    furnished.inferences.add_inference(other, [shadow], audit=an_audit())
    for result_id in (ids[1], ids[0], shadow.id):
        claim(furnished, result_id)
        entry = audited(AuditAction.RESULT_STORED, result_id, at=NOON, actor="box")
        assert furnished.jobs.complete(result_id, an_answer(), owner="me", at=NOON, audit=entry)
    owner = furnished.inferences.inference(InferenceId("inference-1")).user_id
    told = furnished.inferences.settled(owner, after=0)
    assert [one.inference_id for one in told] == ["inference-2", "inference-1"]
    assert all(one.status is InferenceStatus.COMPLETED for one in told)
    assert furnished.inferences.settled(owner, after=told[0].seq) == told[1:]
    assert furnished.inferences.settled(owner, after=0, n_most=1) == told[:1]
    assert furnished.inferences.settled(UserId("user-9"), after=0) == ()


def test_a_nurse_waits_for_no_shadow(furnished: Records) -> None:
    """What is in the shadow is given last, however early it came."""
    other = a_model_version(id=ModelVersionId("version-2"), version="2.0.0", sequence=2)
    furnished.models.add_version(other, audit=an_audit())
    early = an_inference(id=InferenceId("inference-0"))
    shadow = a_result(
        id=ResultId("result-0"), inference_id=early.id, model_version_id=other.id, shadow=True
    )
    furnished.inferences.add_inference(early, [shadow], audit=an_audit())
    live = submit(furnished, 1)
    given = [claim(furnished), claim(furnished)]
    assert [result.id for result in given if result] == [live, "result-0"]
