"""The loop: ended and taken up it comes to the same weights, stops early, and sees no labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from appliance.core.errors import InvalidRequest
from models.progress import silent
from models.spiraconv.parameters import parameters_of, sha256_of
from models.spiraconv.reference import HOP, Features
from models.spiraconv.windows import RATE_HZ
from models.training.augmentation import NO_AUGMENTATION, Augmentation
from models.training.checkpoint import CheckpointFile
from models.training.epoch import Epoch
from models.training.examples import CUT_S, Example, Examples
from models.training.fit import Fit, fit
from models.training.plan import TrainingPlan
from models.training.takes import Take, heard_take

PLAN = TrainingPlan(n_epochs=3, batch=4, dropout=0.25, augmentation=Augmentation())
FEATURES = Features()


def voice(number: int, n_samples: int = RATE_HZ) -> np.ndarray:
    """Sound of its own number, float32[n_samples]."""
    sound = np.random.default_rng(number).standard_normal(n_samples)
    return (0.05 * sound).astype(np.float32)


def takes(plan: TrainingPlan = PLAN, labels: tuple[float, ...] = (0.0, 1.0) * 3) -> list[Take]:
    """One a label, of 1, 2, … seconds."""
    return [
        heard_take(
            voice(number, number * RATE_HZ),
            label=label,
            features=FEATURES,
            augmentation=plan.augmentation,
        )
        for number, label in enumerate(labels, start=1)
    ]


@pytest.fixture(scope="module")
def validation() -> Examples:
    """Four people of one second."""
    people = tuple(
        Example(label=float(number % 2), windows=(FEATURES(voice(100 + number)),))
        for number in range(4)
    )
    return Examples(people=people, n_recordings=4, digest="0" * 64)


Fitting = Callable[..., Fit]


@pytest.fixture(scope="module")
def fitting(validation: Examples) -> Fitting:
    """Fit by the plan, keeping checkpoints in a file, stopped after so many epochs."""

    def run(path: Path | None = None, *, plan: TrainingPlan = PLAN, stop_after: int = 99) -> Fit:
        def on_epoch(epoch: Epoch) -> None:
            if epoch.number == stop_after:
                raise KeyboardInterrupt

        kept = {} if path is None else {"kept": CheckpointFile(path)}
        return fit(plan, takes(plan), validation, progress=silent, on_epoch=on_epoch, **kept)

    return run


@pytest.fixture(scope="module")
def whole(fitting: Fitting) -> Fit:
    """What comes out without an interruption."""
    return fitting()


@pytest.mark.parametrize("stops", [(1,), (2,), (1, 2), (3,)])
def test_ended_and_taken_up_it_comes_to_the_same(
    fitting: Fitting, whole: Fit, tmp_path: Path, stops: tuple[int, ...]
) -> None:
    """To the bit, in weights and losses, wherever and however often it was ended."""
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            fitting(tmp_path / "checkpoint", stop_after=stop)
        torch.rand(7)  # somebody else uses chance meanwhile
    taken_up = fitting(tmp_path / "checkpoint")
    assert taken_up.n_epochs_before == stops[-1]
    assert taken_up.epochs == whole.epochs
    assert sha256_of(parameters_of(taken_up.network)) == sha256_of(parameters_of(whole.network))


def test_patience_ends_it(fitting: Fitting, tmp_path: Path) -> None:
    """At a rate that can only do harm; the best epoch is kept, and taking up adds none."""
    plan = replace(PLAN, n_epochs=40, patience=2, learning_rate=3.0)
    ended = fitting(tmp_path / "checkpoint", plan=plan)
    assert len(ended.epochs) == ended.best.number + 2 < 40
    assert fitting(tmp_path / "checkpoint", plan=plan).epochs == ended.epochs


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:70], lambda b: b[:-9] + b"x" * 9]
)
def test_a_damaged_checkpoint_is_refused(
    fitting: Fitting, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """Cut or changed: nothing of it is used, and the way on is told."""
    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fitting(path, stop_after=1)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InvalidRequest, match="--restart"):
        fitting(path)


def test_nothing_that_is_drawn_depends_on_a_label() -> None:
    """With every label turned round the very same windows are drawn, changed in the same way."""
    drawn = []
    for labels in ((0.0, 1.0) * 3, (1.0, 0.0) * 3, (1.0,) * 6):
        chance = np.random.default_rng(5)
        drawn.append([take.draw(chance) for take in takes(PLAN, labels) for _ in range(3)])
    for of_labels in drawn[1:]:
        assert all(torch.equal(a, b) for a, b in zip(drawn[0], of_labels, strict=True))


def test_a_take_gives_each_of_its_windows_and_itself_cut_short() -> None:
    """Without changes these are the windows the box computes, and shorter stops."""
    samples = voice(1, 6 * RATE_HZ)
    unchanged = heard_take(samples, label=1.0, features=FEATURES, augmentation=NO_AUGMENTATION)
    windows = list(FEATURES(samples))
    assert len(windows) == 2
    chance = np.random.default_rng(1)
    drawn = [unchanged.draw(chance) for _ in range(24)]
    seen = [next((n for n, w in enumerate(windows) if torch.equal(w, d)), -1) for d in drawn]
    assert set(seen) == {0, 1, -1}
    for short in (d for d, n in zip(drawn, seen, strict=True) if n == -1):
        silent_from = int((short != short[-1]).any(1).nonzero().max()) + 1
        assert CUT_S[0] - 0.05 <= silent_from * HOP / RATE_HZ <= CUT_S[1] + 0.05
