"""Two commands at once, and commands killed anywhere: models stay whole, each gets its answer."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from appliance.bootstrap import open_appliance
from appliance.settings import read_settings
from appliance.usecases.housekeeping import sweep
from tests.bundle_builders import a_bundle, a_manifest
from tests.torture.trial import Trial
from tests.torture.ward import Ended, Ward, ended, is_whole

MODEL: Final = "loudness"
LONGEST_INSTALL_S: Final = 1.5
"""A kill comes at any time before this; most installations are at their end by then."""


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A serving box with two versions of a model, the second of them active."""
    ward = Ward.make(tmp_path_factory.mktemp("races"))
    for number in (1, 2):
        assert ward.installed(version(number), "--activate").status == 0
    yield ward
    ward.box.end()


def version(number: int) -> bytes:
    """Return the bundle of one version; each has a manifest of its own."""
    return a_bundle(a_manifest(version=f"{number}.0.0", sequence=number, demonstration=False))


def both(ward: Ward, *commands: tuple[str, ...]) -> list[Ended]:
    """Run commands at once."""
    return [ended(command) for command in [ward.command(*words) for words in commands]]


def same_twice(ward: Ward, number: int) -> tuple[list[Ended], set[str]]:
    """Install one bundle by two processes."""
    stick = ward.stick(version(number))
    return both(ward, ("models", "install", stick), ("models", "install", stick)), {""}


def two_versions(ward: Ward, number: int) -> tuple[list[Ended], set[str]]:
    """Install a version and the next one: which of them is too old depends on who is first."""
    first = ward.stick(version(number), "first.spira")
    second = ward.stick(version(number + 1), "second.spira")
    ends = both(ward, ("models", "install", first), ("models", "install", second))
    assert ends[1].status == 0, ends
    return ends, {"", "bundle-outdated"}


def with_activate(ward: Ward, number: int) -> tuple[list[Ended], set[str]]:
    """Install and activate while another version is activated."""
    install = ("models", "install", ward.stick(version(number)), "--activate")
    return both(ward, install, ("models", "activate", f"{MODEL}@1.0.0")), {""}


def with_rollback(ward: Ward, number: int) -> tuple[list[Ended], set[str]]:
    """Install and activate while the one before is called back."""
    install = ("models", "install", ward.stick(version(number)), "--activate")
    return both(ward, install, ("models", "rollback", MODEL)), {"", "nothing-to-roll-back"}


def with_remove(ward: Ward, number: int) -> tuple[list[Ended], set[str]]:
    """Install again what another process is taking away."""
    stick = ward.stick(version(number))
    assert ward.installed(version(number)).status == 0
    remove = ("models", "remove", f"{MODEL}@{number}.0.0")
    return both(ward, ("models", "install", stick), remove), {""}


def with_sweep(ward: Ward, number: int) -> tuple[list[Ended], set[str]]:
    """Install while the box sweeps, again and again."""
    command = ward.command("models", "install", ward.stick(version(number)))
    while command.poll() is None:
        swept(ward)
    return [ended(command)], {""}


RACES: Final = (same_twice, two_versions, with_activate, with_rollback, with_remove, with_sweep)


def test_two_commands_at_once(trial: Trial, ward: Ward) -> None:
    """One clear answer each, one active version, every version whole, nothing left behind."""
    n_races = trial.amount(short=12, long=50)
    answers = Counter[str]()
    with ward.serving():
        for at in range(n_races):
            race = RACES[at % len(RACES)]
            ends, allowed = race(ward, 3 + 2 * at)
            found = {end.told for end in ends}
            assert found <= allowed, (race.__name__, ends)
            assert all((end.status == 0) == (not end.told) for end in ends), ends
            answers.update(end.told or "done" for end in ends)
            assert active(ward) == 1, race.__name__
        is_whole(ward)
    trial.sum_up(
        f"install races: {n_races} of two installs, activate, rollback, remove and sweep; "
        f"{answers['done']} done, {answers.total() - answers['done']} refused by name, all whole, "
        f"0 left behind, {ward.n_served} patients served meanwhile"
    )


def test_installs_killed_anywhere(trial: Trial, ward: Ward) -> None:
    """The old model serves on, a second try succeeds, and a sweep leaves nothing of the first."""
    chance = trial.random("kills")
    n_kills = trial.amount(short=20, long=200)
    n_killed = 0
    with ward.serving():
        before = active(ward)
        for at in range(n_kills):
            bundle = version(1_000 + at)
            command = ward.command("models", "install", ward.stick(bundle))
            time.sleep(chance.uniform(0.0, LONGEST_INSTALL_S))
            command.send_signal(signal.SIGKILL)
            n_killed += ended(command).status == -signal.SIGKILL
            assert active(ward) == before
            again = ward.installed(bundle)
            assert again.status == 0, again
        forget_age(ward)
        swept(ward)
        is_whole(ward)
        assert on_disk(ward) == named(ward)
    assert n_killed > 0
    trial.sum_up(
        f"installs killed: {n_kills} at random moments, {n_killed} before their end; each second "
        f"try succeeded, 0 left after the sweep, {ward.n_served} patients served meanwhile"
    )


def active(ward: Ward) -> int:
    """Return how many versions of the model are active."""
    versions = ward.console.json("models", "list")["versions"]
    return sum(v["model"] == MODEL and v["state"] == "active" for v in versions)


def swept(ward: Ward) -> None:
    """Do what the box does every hour."""
    with open_appliance(read_settings({}, directory=ward.box.data)) as box:
        sweep(audio=box.audio, recordings=box.recordings, bundles=box.bundles, models=box.models)


def forget_age(ward: Ward) -> None:
    """Let all that lies in the room of bundles be two days old."""
    room = ward.box.data / "bundles"
    past = time.time() - 2 * 86_400
    for path in (*room.iterdir(), *(room / "staging").iterdir()):
        os.utime(path, (past, past))


def on_disk(ward: Ward) -> set[str]:
    """Return the bundles that lie in their room."""
    return {path.name for path in (ward.box.data / "bundles").iterdir()} - {"staging"}


def named(ward: Ward) -> set[str]:
    """Return the bundles that the records name."""
    versions = ward.console.json("models", "list")["versions"]
    return {v["digest"] for v in versions if v["state"] != "removed"}
