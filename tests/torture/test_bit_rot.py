"""One flipped bit in any file is reported by `spira verify`, never served or scored as good."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.bootstrap import Appliance
from appliance.core.diagnosis import Reason
from appliance.core.errors import AudioDamaged, StorageFault
from appliance.core.ids import InferenceId, RecordingId, UserId
from tests.torture.rotting import REFUSED, RottingBox, flip, flipped, make_rotting_box, serving
from tests.torture.trial import Trial

ERRORS_FOUND: Final = 8
NOT_CONTENT: Final = "_sqlite_"
"""A library keeps when each step of the schema was applied; nobody reads that."""

N_AUDIO_AT_ONCE: Final = 5


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> RottingBox:
    """A box with real content, each test leaving it as it was."""
    return make_rotting_box(tmp_path_factory.mktemp("rot"))


def test_a_flipped_bit_in_a_file(box: RottingBox, trial: Trial) -> None:
    """Recordings, bundles and keys: each is named, and nothing of it is served or scored.

    A round flips bits of several files: what belongs to one hides nothing of another.
    """
    n_rounds = trial.amount(short=10, long=100)
    n_flipped = 0
    with box.opened() as appliance:
        expected = box.scored(appliance)
    box.restore()
    for number in range(n_rounds):
        random = trial.random("file", number)
        audio = random.sample(box.files("audio")[1:], N_AUDIO_AT_ONCE)
        bundled = random.choice(
            [path for path in box.files("bundles") if "staging" not in str(path)]
        )
        before = {path: flip(path, random) for path in (*audio, bundled)}
        try:
            status, found = box.verify()
            assert status == ERRORS_FOUND
            assert set(found["audio-damaged"]["sha256"]) == {path.stem for path in audio}
            (named,) = found["bundle-damaged"]["bundles"]
            assert named.split(":")[0] in str(bundled)
            _not_served(box, {path.stem for path in audio})
            _not_scored(box, bundled, {path.stem for path in audio}, expected)
        finally:
            for path, content in before.items():
                path.write_bytes(content)
            box.restore()
        n_flipped += len(before)
    for number in range(n_rounds):
        _flip_a_key(box, trial, number)
    assert box.verify()[0] == 0
    trial.sum_up(
        f"bit rot in files: {n_flipped + n_rounds} flipped bits in recordings, bundles and keys,"
        f" {n_flipped + n_rounds} reported, 0 served, 0 scored"
    )


def _not_served(box: RottingBox, damaged: set[str]) -> None:
    """Ask for every recording: those that are damaged are refused, the others are themselves."""
    with box.opened() as appliance, serving(appliance) as http:
        headers = {"Authorization": f"Bearer {box.token}"}
        n_refused = 0
        for inference_id, user_id, recording_id in _attached(appliance):
            digest = appliance.recordings.recording(recording_id).sha256
            place = f"/v1/users/{user_id}/inferences/{inference_id}/recordings/{recording_id}"
            answer = http.get(place, headers=headers)
            if digest in damaged:
                assert (answer.status_code, answer.json()["code"]) == (500, AudioDamaged.code)
                n_refused += 1
            else:
                assert answer.status_code == 200
                assert sha256(answer.content).hexdigest() == digest
        assert n_refused == len(damaged)


def _attached(appliance: Appliance) -> list[tuple[InferenceId, UserId, RecordingId]]:
    return [
        (inference.id, inference.user_id, attachment.recording_id)
        for inference in appliance.inferences.each()
        for attachment in inference.attachments
    ]


def _not_scored(box: RottingBox, bundled: Path, damaged: set[str], expected: object) -> None:
    """Score what waits, as after a start: only what is whole is scored."""
    with box.opened(fresh=True) as appliance:
        answer = box.scored(appliance)
        assert not isinstance(answer, str)
        diagnosis, probability, reason, error = answer
        heard = {
            appliance.recordings.recording(attachment.recording_id).sha256
            for attachment in appliance.inferences.inference(box.queued).attachments
        }
    if bundled.name in {"model.onnx", "manifest.json"} or heard & damaged:
        assert probability is None
        assert error == AudioDamaged.code or reason is Reason.MODEL_UNAVAILABLE
    else:
        assert (diagnosis, probability, reason, error) == expected


NEEDED_BY: Final = {"box-signing": ("audit", "head", "--sign"), "outbox": ("envelopes", "open")}
"""Keys without which a box starts, and the command that asks for each."""
AN_EXPORT: Final = (
    '{"format": "spira-sealed-1", "items":'
    ' [{"id": "7b0d1c5e-0000-4000-8000-000000000001", "sealed": "U1BFMQ=="}]}'
)


def _flip_a_key(box: RottingBox, trial: Trial, number: int) -> None:
    """A damaged secret is named, and the box does not work with it."""
    random = trial.random("key", number)
    path = random.choice(box.files("keys"))
    before = flip(path, random)
    try:
        status, found = box.verify()
        assert status == ERRORS_FOUND
        code = "key-damaged" if path.stem in NEEDED_BY else "secret-missing"
        assert found[code]["files"] == [path.name]
        needed = NEEDED_BY.get(path.stem, ("users", "list"))
        if path.stem == "outbox":
            needed = (*needed, box.console.file("tablet.json", AN_EXPORT))
        assert box.console.error(*needed) == (7, "secret-missing")
    finally:
        path.write_bytes(before)


def test_a_flipped_bit_in_the_records(box: RottingBox, trial: Trial) -> None:
    """It is reported, or it is where nothing is kept; and no changed value leaves the box."""
    n_flips = trial.amount(short=60, long=700)
    used = [place for place, byte in enumerate(box.pristine) if byte]
    with box.opened() as appliance:
        good = box.shown(appliance)
        exported = _export(box, appliance)
        expected = box.scored(appliance)
    box.restore()
    content = _content(box.database)
    n_reported = n_refused = 0
    for number in range(n_flips):
        random = trial.random("record", number)
        # A new database is half empty: three of four hit what is used.
        place = random.choice(used) if number % 4 else random.randrange(len(box.pristine))
        bit = 8 * place + random.randrange(8)
        box.database.write_bytes(flipped(box.pristine, bit))
        try:
            where = f"bit {bit}, page {bit // 8 // 4096 + 1}"
            status, _ = box.verify()
            if status == 0:
                assert _content(box.database) == content, f"{where}: not reported"
            n_reported += status != 0
            n_refused += _leaves_nothing_changed(box, good, exported, expected, where)
        finally:
            box.restore()
    assert n_reported > n_flips // 2
    trial.sum_up(
        f"bit rot in records.db: {n_flips} flipped bits, {n_reported} reported,"
        f" {n_flips - n_reported} where nothing is kept (all content read and equal),"
        f" {n_refused} reads refused, 0 changed values shown, scored or exported"
    )


def _leaves_nothing_changed(
    box: RottingBox, good: dict[str, Any], exported: object, expected: object, where: str
) -> int:
    """Read, export and score everything; return how many were refused, and none was changed."""
    try:
        with box.opened() as appliance:
            shown = box.shown(appliance)
            taken = _export(box, appliance)
            answer = box.scored(appliance)
    except StorageFault:
        return len(good)  # a box that does not open shows nothing
    changed = [name for name in good if shown[name] not in (good[name], REFUSED)]
    assert not changed, f"{where}: {changed}"
    assert taken in (exported, REFUSED), f"{where}: exported"
    if not isinstance(answer, str):
        _diagnosis, probability, _reason, _error = answer
        assert answer == expected or probability is None, f"{where}: scored {answer}"
    return sum(value == REFUSED for value in shown.values())


def _export(box: RottingBox, appliance: Appliance) -> object:
    target = box.console.files / "export"
    shutil.rmtree(target, ignore_errors=True)
    return box.exported(appliance, target)


def _content(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table but those of the library that keeps the schema."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith(NOT_CONTENT)
        ]
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()  # noqa: S608
            for name in tables
        }
