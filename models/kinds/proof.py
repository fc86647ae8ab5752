"""The proof that the graph says what the model of its author says, or nothing is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from appliance.core.errors import ModelRefused, ParityBroken, PredictionFailed
from models.first_line import first_line
from models.graph_run import GraphRun, Scored
from models.kinds.native import AUTHORS_ERRORS, NativeModel
from models.kinds.python_model import PythonModel2022
from models.kinds.statement import AuthorCase, AuthorGolden, AuthorStatement, Form
from models.parity import ODD_TOLERANCE, Compared, Parity, ParityCase, odd_cases
from models.progress import Progress
from models.spiraconv.windows import SHORTEST

_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How close graph and model are, and what the model says of each golden case, by id."""

    parity: Parity
    probabilities: Mapping[str, float]


def require_answer(model: NativeModel, statement: AuthorStatement, golden: AuthorGolden) -> None:
    """Ask the model once, before a graph is made of it. Raises ModelRefused."""
    cases = [*_golden_cases(statement, golden), *_odd_cases(statement, golden)]
    _asked(model, *cases[0])


def prove(
    graph: bytes,
    model: NativeModel,
    *,
    statement: AuthorStatement,
    golden: AuthorGolden,
    progress: Progress,
) -> Proof:
    """Return how close the graph comes to the model, on golden recordings and on odd ones.

    Raises:
        ParityBroken: the details name the cases that differ by more than allowed.
        ModelRefused: the model fails on a case, does not give what its author said, or its
            `predict` says something else.
    """
    run = GraphRun(graph, statement.role_names, statement.answers)
    cases = [*_golden_cases(statement, golden), *_odd_cases(statement, golden)]
    compared: list[Compared] = []
    said: dict[str, float] = {}
    for case, form in cases:
        expected = _asked(model, case, form)
        compared.append(_compared(case, _run(run, case, form), expected))
        said.setdefault(case.name, round(expected.probability, _DECIMALS))
        progress("proving", len(compared), len(cases))
    broken = tuple(f"{c.name}: {c.difference:.1e}" for c in compared if not c.agrees)
    if broken:
        raise ParityBroken(f"Graph and model differ: {'; '.join(broken[:5])}.", cases=broken)
    _hold_to_author(statement, golden, said)
    if isinstance(model, PythonModel2022):
        _hold_to_predict(model, run, statement, golden)
    return Proof(parity=Parity(cases=tuple(compared)), probabilities=said)


def _golden_cases(
    statement: AuthorStatement, golden: AuthorGolden
) -> list[tuple[ParityCase, Form]]:
    return [
        (
            ParityCase(
                name=case.id,
                waveforms=golden.waveforms(case),
                tolerance=statement.golden_tolerance,
            ),
            case.metadata,
        )
        for case in golden.cases
    ]


def _odd_cases(statement: AuthorStatement, golden: AuthorGolden) -> list[tuple[ParityCase, Form]]:
    """Return what no patient says, without any answer; a required role is never absent."""
    speech = golden.waveforms(golden.cases[0])
    first = statement.role_names[0]
    required = [entry.role for entry in statement.roles if entry.required]
    lacking = [role for role in dict.fromkeys((first, *required)) if role not in speech]
    if lacking:
        raise ModelRefused(
            f"The first golden case lacks {', '.join(lacking)}: begin with a complete one.",
            reason="golden",
        )
    spoken = {role: speech[role][:SHORTEST] for role in required}
    return [
        (
            ParityCase(
                name=f"odd: {case.name}",
                waveforms={**spoken, **case.waveforms},
                tolerance=ODD_TOLERANCE,
            ),
            {},
        )
        for case in odd_cases(statement.role_names, speech)
    ]


def _asked(model: NativeModel, case: ParityCase, form: Form) -> Scored:
    try:
        return model.score(case.waveforms, form)
    except PredictionFailed as error:
        raise _failed(case, f"{error}") from error
    except AUTHORS_ERRORS as error:
        raise _failed(case, f"{type(error).__name__}: {first_line(error)}") from error


def _run(run: GraphRun, case: ParityCase, form: Form) -> Scored:
    try:
        return run(case.waveforms, form)
    except PredictionFailed as error:
        raise _failed(case, f"{error}") from error


def _failed(case: ParityCase, reason: str) -> ModelRefused:
    return ModelRefused(
        f"The model fails on {case.name!r}: {reason} Recordings of any length must be scored, "
        "from one sample on, and an optional one that is absent is [1, 0].",
        reason="fails-on-a-case",
    )


def _compared(case: ParityCase, found: Scored, expected: Scored) -> Compared:
    if found.windows.shape != expected.windows.shape:
        message = (
            f"{case.name}: raw_output has {found.windows.size} numbers in the graph, "
            f"{expected.windows.size} in the model"
        )
        raise ParityBroken(message, cases=(message,))
    own = np.append(expected.windows.astype(np.float64), expected.probability)
    difference = np.abs(np.append(found.windows.astype(np.float64), found.probability) - own)
    return Compared(
        name=case.name,
        difference=float(difference.max()),
        tolerance=case.tolerance,
        n_windows=int(found.windows.size),
    )


def _hold_to_author(
    statement: AuthorStatement, golden: AuthorGolden, said: Mapping[str, float]
) -> None:
    """Refuse a model that does not say what its author wrote into golden.json."""
    wrong = [
        f"{case.id}: {said[case.id]:.6f}, not {case.probability:.6f}"
        for case in golden.cases
        if case.probability is not None
        and not abs(said[case.id] - case.probability) <= statement.golden_tolerance
    ]
    if wrong:
        raise ModelRefused(
            f"It does not repeat the probabilities of golden.json ({'; '.join(wrong)}): resample "
            "with appliance.core.resampling, or leave the probabilities out.",
            reason="golden",
        )


def _hold_to_predict(
    model: PythonModel2022, run: GraphRun, statement: AuthorStatement, golden: AuthorGolden
) -> None:
    for (case, form), own in zip(_golden_cases(statement, golden), golden.cases, strict=True):
        recordings = _contents(own, golden)
        try:
            wrong = model.disagreement(
                form, recordings, _run(run, case, form), statement.golden_tolerance
            )
        except AUTHORS_ERRORS as error:
            wrong = f"predict fails: {type(error).__name__}: {error}"
        if wrong:
            raise ModelRefused(
                f"On {case.name!r} {wrong}. Let predict read WAV files with appliance.core.wav, "
                "resample with appliance.core.resampling, and give what its module gives.",
                reason="predict",
            )


def _contents(case: AuthorCase, golden: AuthorGolden) -> dict[str, bytes]:
    return {role: golden.files[name] for role, name in case.recordings.items()}
