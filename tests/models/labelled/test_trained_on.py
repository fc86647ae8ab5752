"""A model is judged by patients it has never heard, whatever the same voices are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.errors import FileMissing, InvalidRequest
from models.labelled.reading import read_labelled
from models.labelled.trained_on import (
    TRAINED_ON,
    encode_trained_on,
    not_trained_on,
    read_trained_on,
    recordings_of,
)
from tests.models.labelled_builders import put_wav, tone


def put_people(directory: Path) -> Path:
    """Three patients of each label; the first of each came twice."""
    for label, first in (("positive", 0), ("negative", 100)):
        for number in range(3):
            for session in ("s1", "s2") if number == 0 else ("s1",):
                seed = first + 10 * number + (session == "s2")
                path = directory / label / f"p{first + number}" / session / "frase.wav"
                put_wav(path, tone(seed))
    return directory


def test_who_was_trained_on_is_left_out_with_all_sessions(tmp_path: Path) -> None:
    """One recording is enough to know a patient by, and the name of the folder is not asked."""
    people = read_labelled(put_people(tmp_path / "people"))
    trained = [case for case in people.cases if case.id == "p0/s2"]
    renamed = put_people(tmp_path / "renamed")
    (renamed / "positive" / "p0").rename(renamed / "positive" / "somebody")

    left = not_trained_on(read_labelled(renamed), recordings_of(trained))

    assert {case.patient_id for case in left.cases} == {"p1", "p2", "p100", "p101", "p102"}
    assert left.n_trained_on == 1


def test_nobody_known_changes_nothing(tmp_path: Path) -> None:
    """As with a model of synthetic voices; but that nobody was heard is then known."""
    people = read_labelled(put_people(tmp_path))
    assert people.n_trained_on is None
    nobody = replace(people, n_trained_on=0)
    assert not_trained_on(people, frozenset()) == nobody
    assert not_trained_on(people, {"0" * 64}) == nobody


def test_a_set_that_was_trained_on_whole_is_refused(tmp_path: Path) -> None:
    """Rather than judged by what it has learned by heart; the numbers are told."""
    people = read_labelled(put_people(tmp_path))
    positive = [case for case in people.cases if case.positive]
    with pytest.raises(InvalidRequest, match="trained on 3 of these 6 patients"):
        not_trained_on(people, recordings_of(positive))


def test_the_list_comes_back_from_its_file(tmp_path: Path) -> None:
    """One digest a line, sorted; no line, nobody; no file, nobody knows."""
    assert read_trained_on(tmp_path) is None
    (tmp_path / TRAINED_ON).write_bytes(encode_trained_on(()))
    assert read_trained_on(tmp_path) == frozenset()
    (tmp_path / TRAINED_ON).write_bytes(encode_trained_on({"b" * 64, "a" * 64}))
    assert (tmp_path / TRAINED_ON).read_text() == "a" * 64 + "\n" + "b" * 64 + "\n"
    assert read_trained_on(tmp_path) == frozenset({"a" * 64, "b" * 64})
    (tmp_path / TRAINED_ON).unlink()
    (tmp_path / TRAINED_ON).mkdir()
    with pytest.raises(FileMissing, match="trained_on"):
        read_trained_on(tmp_path)
