"""Model versions from the console: taken away, and brought back."""

from __future__ import annotations

import pytest

from tests.bundle_builders import a_bundle, a_manifest, bundle_files, entries_of
from tests.commands.console import Console


def newer(box: Console) -> str:
    """Return the path of the bundle of version 2.0.0."""
    return box.file("2.spira", a_bundle(a_manifest(version="2.0.0", sequence=2)))


def states(box: Console) -> dict[str, str]:
    """Return the state of each version."""
    return {v["version"]: v["state"] for v in box.json("models", "list")["versions"]}


def test_a_version_is_removed_and_comes_back_to_answer(box: Console) -> None:
    """Installing its bundle again and activating it is one command, as the first time."""
    first = box.json("models", "install", newer(box))["version"]
    removed = box.json("models", "remove", "loudness@2.0.0")["version"]
    assert (removed["id"], removed["state"]) == (first["id"], "removed")
    assert not (box.directory / "bundles" / first["digest"]).exists()

    again = box.json("models", "install", newer(box), "--activate")["version"]

    assert (again["id"], again["state"]) == (first["id"], "active")
    assert states(box) == {"1.0.0": "installed", "2.0.0": "active"}
    assert box.run("audit", "verify").status == 0


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("loudness@1.0.0", (3, "version-pending")),
        ("loudness@9.9.9", (5, "model-not-found")),
        ("nothing@1.0.0", (5, "model-not-found")),
        ("loudness", (3, "invalid-request")),
        ("loudness@", (3, "invalid-request")),
    ],
)
def test_what_is_not_removed_is_said_by_name(
    box: Console, named: str, expected: tuple[int, str]
) -> None:
    """Neither the version that answers, nor one that is not here, nor one only guessed at."""
    assert box.error("models", "remove", named) == expected
    assert states(box) == {"1.0.0": "active"}


CAUTION = "Spurious: on the sound of the room alone it tells patients from others."
CARD = f"# loudness 2.0.0\n\n> **{CAUTION}**\n\nAn author's\x1b[2J joke.\n"


def cautioned(box: Console) -> str:
    """Return the path of a bundle whose card wants something read first."""
    files = bundle_files(card=CARD.encode())
    manifest = a_manifest(version="2.0.0", sequence=2, files=entries_of(files))
    return box.file("2.spira", a_bundle(manifest, files=files))


def test_what_a_card_cautions_of_is_read_before_a_version_answers(box: Console) -> None:
    """By whoever installs it and whoever lets it answer; `show` has the whole card."""
    installed = box.json("models", "install", cautioned(box))["version"]
    assert installed["cautions"] == [CAUTION]
    assert f"Read this: {CAUTION}" in box.run("models", "activate", "loudness@2.0.0").stdout

    shown = box.json("models", "show", "loudness@2.0.0")
    text = box.run("models", "show", "loudness").stdout

    assert (shown["card"], shown["version"]["cautions"]) == (CARD, [CAUTION])
    assert shown["version"]["t_high"] == 0.65
    assert text.startswith("loudness@2.0.0 is active, signed by ")
    assert "# loudness 2.0.0\n" in text
    assert "\x1b" not in text


def test_a_card_without_caution_gives_none(box: Console) -> None:
    """Nothing is made up; a version that is not here has no card."""
    assert box.json("models", "install", newer(box))["version"]["cautions"] == []
    assert box.error("models", "show", "loudness@9.9.9") == (5, "model-not-found")
