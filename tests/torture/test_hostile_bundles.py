"""Bundles that mean harm are refused by name or ended by limits, and patients notice nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from appliance.bootstrap import open_appliance
from appliance.core.errors import ApplianceError
from appliance.settings import read_settings
from appliance.usecases.install_model import install_bundle
from tests.bundle_builders import (
    a_bundle,
    a_manifest,
    an_author,
    bundle_files,
    entries_of,
    graph_bytes,
    one_role_bundle,
)
from tests.torture.hostile_archives import ARCHIVES, PICKLE
from tests.torture.hostile_bundles import (
    everybody,
    flipped,
    flipped_within,
    loud,
    newer,
    signed,
    told_the_label,
    with_graph,
)
from tests.torture.mutation import mutated
from tests.torture.trial import Trial
from tests.torture.ward import JOB_TIMEOUT_S, Ward, ended, is_whole

MAX_PEAK_MIB: Final = 200
LARGE: Final = ("million entries", "bomb", "lying bomb")
SPARSE_BYTES: Final = 1 << 40
LABELS: Final = (
    *("respiratory_insufficiency_status", "cid", "location", "local", "sample_type", "rgh"),
    *("hospitalized", "hospitalized_days", "hospitalization_reason", "fio2_pct"),
    *("o2_flow_lpm", "o2_support", "o2_flow_lpm_absent_reason", "rgh_absent_reason"),
)
GRAPHS: Final = {
    "external_initializer": "graph-refused: external-data",
    "external_parent": "graph-refused: external-data",
    "external_absolute": "graph-refused: external-data",
    "external_in_constant": "graph-refused: external-data",
    "external_sparse": "graph-refused: external-data",
    "with_function": "graph-refused: functions",
    "beyond_the_standard": "graph-refused: domain",
    "nested": "graph-refused: too-deep",
    "doubles": "graph-refused: inputs",
    "extra_output": "graph-refused: outputs",
    "scanning": "graph-refused: control-flow",
    "two_probabilities": "graph-refused: warm-up",
    "fixed_length": "graph-refused: inputs",
}
UNBOUNDED: Final = {
    "endless": "prediction-timeout",
    "unstoppable": "prediction-timeout",
    "ponderous": "graph-refused: too-slow",
    "greedy": "prediction-failed: run",
    "enormous": "prediction-failed: run",
}
"""Signed, well-formed, and without end once they are loaded or hear a loud golden recording."""


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A box that serves all through these trials."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPIRA_JOB_TIMEOUT_S", JOB_TIMEOUT_S)
        ward = Ward.make(tmp_path_factory.mktemp("ward"))
        yield ward
        ward.box.end()


def test_flipped_and_cut_bundles_are_refused(trial: Trial, ward: Ward) -> None:
    """Wherever a byte is changed and wherever the file ends, before any graph is looked at."""
    good, chance = a_bundle(), trial.random("flips")
    n_flips = trial.amount(short=500, long=10_000)
    turned = [flipped(good, chance) for _ in range(n_flips)]
    turned += [flipped_within(good, chance) for _ in range(n_flips)]
    cut = [good[: len(good) * percent // 100] for percent in range(100)]
    before = ward.contents()

    with ward.serving():
        ends = Counter(_ends(ward, [*turned, *cut]))
        at_the_console = Counter(ward.refusal(chance.choice(turned)) for _ in range(20))

    assert ends.total() == len(turned) + len(cut)
    assert {*ends, *at_the_console} <= {
        *("bundle-refused: container", "bundle-refused: container-limits"),
        *("bundle-untrusted: signature", "bundle-refused: file-digest"),
    }
    assert len(ends) > 2, ends
    assert ward.contents() == before
    is_whole(ward)
    trial.sum_up(
        f"hostile bundles, changed: {len(turned)} flipped bits, half of them with true checksums, "
        f"and {len(cut)} cuts refused, "
        f"{_meanwhile(ward)}"
    )


def test_hostile_archives_are_refused(trial: Trial, ward: Ward) -> None:
    """Within little memory, with nothing written anywhere."""
    peak_mib = 0.0
    with ward.serving():
        for name, (make, expected) in ARCHIVES.items():
            bundle = make()
            assert ward.refusal(bundle) == expected, name
            if name in LARGE:
                end = ended(ward.command("models", "install", ward.stick(bundle)))
                assert (end.status, end.told) == (6, expected), name
                peak_mib = max(peak_mib, end.peak_mib)
        assert _sparse(ward) == (6, "bundle-refused: container-limits")
        for special in ("/dev/zero", str(ward.box.data), str(ward.box.data / "nothing")):
            assert ward.console.error("models", "install", special) == (5, "file-missing")
    assert peak_mib <= MAX_PEAK_MIB
    assert not list(ward.box.data.parent.rglob("escaped"))
    assert not Path("/tmp/escaped").exists()  # noqa: S108 - must not be there
    is_whole(ward)
    trial.sum_up(
        f"hostile bundles, archives: {len(ARCHIVES) + 4} kinds refused by name, peak "
        f"{peak_mib:.0f} MiB (limit {MAX_PEAK_MIB}), {_meanwhile(ward)}"
    )


def test_hostile_contents_are_refused(trial: Trial, ward: Ward) -> None:
    """What a trusted author signed, by mistake or not, is refused all the same."""
    n_refused = 0
    with ward.serving():
        for graph, expected in GRAPHS.items():
            assert ward.refusal(one_role_bundle(graph)) == expected, graph
        for control in ("hidden_operator", "external_in_body"):
            bundle = one_role_bundle(control, control_flow=("Loop",))
            assert ward.refusal(bundle).startswith("graph-refused: "), control
        for at in range(0, 100, 10):
            whole = graph_bytes()
            assert ward.refusal(with_graph(whole[: len(whole) * at // 100])) in {
                "graph-refused: not-onnx",
                "bundle-refused: manifest-invalid: range",  # an empty one has no length
            }
        for name in ("model.onnx", "card.md", "golden/soft-frase.wav"):
            assert "refused" in ward.refusal(signed({name: PICKLE})), name
        for label in LABELS:
            assert ward.refusal(told_the_label(label)) == (
                "bundle-refused: manifest-invalid: label-in-disguise"
            ), label
        n_refused = len(GRAPHS) + 2 + 10 + 3 + len(LABELS)
    is_whole(ward)
    trial.sum_up(
        f"hostile bundles, contents: {n_refused} signed graphs, pickles and labels in disguise "
        f"refused by name, {_meanwhile(ward)}"
    )


def test_graphs_without_end_are_ended(trial: Trial, ward: Ward) -> None:
    """Each in its own process with limits: the command says so, and patients are served on."""
    before = ward.contents()
    with ward.serving():
        commands = {
            graph: ward.command("models", "install", ward.stick(loud(graph), f"{graph}.spira"))
            for graph in UNBOUNDED
        }
        ends = {graph: ended(command) for graph, command in commands.items()}
    assert {graph: (end.status, end.told) for graph, end in ends.items()} == {
        graph: (6, expected) for graph, expected in UNBOUNDED.items()
    }
    assert max(end.peak_mib for end in ends.values()) <= MAX_PEAK_MIB
    assert ward.contents() == before
    is_whole(ward)
    trial.sum_up(
        f"hostile bundles, without end: {len(ends)} graphs (endless loop, one endless operator, "
        f"endless loading, 4 GiB, 4 TiB) ended by limits, {_meanwhile(ward)}"
    )


def test_mutated_graphs_are_refused_or_harmless(trial: Trial, ward: Ward) -> None:
    """Signed anew, so that they reach inspection and runtime; what passes repeats its golden."""
    chance, graph = trial.random("graphs"), graph_bytes()
    bundles = []
    for number in range(trial.amount(short=200, long=2_000)):
        changed = mutated(graph, chance) if chance.random() < 0.4 else flipped(graph, chance)
        files = {**bundle_files(), "model.onnx": changed or b"x"}
        manifest = a_manifest(
            name="mutant", version=f"1.0.{number}", sequence=number + 1, files=entries_of(files)
        )
        bundles.append(a_bundle(manifest, files=files))
    with ward.serving():
        ends = Counter(_ends(ward, bundles))
    assert {end.split(":")[0] for end in ends} <= {
        *("graph-refused", "golden-mismatch", "prediction-failed", "prediction-timeout"),
        "installed",
    }, ends
    assert len(ends) > 3, ends
    is_whole(ward)
    trial.sum_up(
        f"hostile bundles, mutated graphs: {len(bundles)} signed, {ends['installed']} repeat their "
        f"golden results, others refused for {len(ends) - 1} reasons, {_meanwhile(ward)}"
    )


def test_trust_is_not_borrowed(trial: Trial, ward: Ward) -> None:
    """A stranger, a revoked key, the public demonstration key, and what was signed long ago."""
    revoked = an_author("revoked")
    before = a_bundle(a_manifest(name="before", demonstration=False), author=revoked)
    fingerprint = ward.trust(revoked, "revoked")
    assert ward.installed(before).status == 0
    ward.console.json("keys", "revoke", fingerprint)
    clinical = a_manifest(name="clinical", version="2.0.0", sequence=5, demonstration=False)
    assert ward.installed(a_bundle(clinical)).status == 0
    with ward.serving():
        found = [
            ward.refusal(a_bundle(clinical, author=an_author("stranger"))),
            ward.refusal(a_bundle(clinical, author=everybody())),
            ward.refusal(
                a_bundle(a_manifest(name="before", version="1.1.0", sequence=2), author=revoked)
            ),
            ward.refusal(newer(clinical.sequence - 1, version="1.0.0")),
            ward.refusal(newer(clinical.sequence, version="2.0.1")),
            ward.refusal(newer(clinical.sequence + 1, version="2.0.0")),
        ]
    assert found == [
        "bundle-untrusted: signature",
        "bundle-untrusted: key-scope",
        "bundle-untrusted: signature",
        "bundle-outdated",
        "bundle-outdated",
        "bundle-conflict",
    ]
    is_whole(ward)
    trial.sum_up(
        f"hostile bundles, trust: stranger's, demonstration and revoked keys, older sequence and "
        f"changed version refused by name, {_meanwhile(ward)}"
    )


def _ends(ward: Ward, bundles: list[bytes]) -> Iterator[str]:
    """Yield how each installation ends, by the use case with the real adapters on this box."""
    stick = Path(ward.stick(b""))
    with open_appliance(read_settings({}, directory=ward.box.data)) as box:
        room = box.model_room()
        for bundle in bundles:
            stick.write_bytes(bundle)
            try:
                install_bundle(stick, actor="console", room=room)
            except ApplianceError as refusal:
                reason = refusal.details.get("reason")
                yield f"{refusal.code}: {reason}" if reason else refusal.code
            else:
                yield "installed"


def _sparse(ward: Ward) -> tuple[int, str]:
    """Return how a file of a tebibyte of nothing is refused."""
    path = ward.console.files / "sparse.spira"
    with path.open("wb") as file:
        file.truncate(SPARSE_BYTES)
    end = ended(ward.command("models", "install", str(path)))
    path.unlink()
    return end.status, end.told


def _meanwhile(ward: Ward) -> str:
    return f"{ward.n_served} patients served meanwhile, server {ward.grown_mib:+.0f} MiB"
