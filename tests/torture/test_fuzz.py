"""Readers of what strangers send, fuzzed: the corpus replayed, and new inputs guided by coverage.

What a long run found is kept with libFuzzer's own merge, which takes the inputs that reach
something new, the smallest first:

    .venv/bin/python -m tests.torture.fuzz.run wav -merge=1 tests/torture/corpus/wav FOUND
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from tests.torture.trial import Trial

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).parent / "corpus"
TARGETS: Final = (
    *("container", "envelope", "manifest", "multipart"),
    *("onnx_graph", "strict_json", "wav"),
)
MAX_RSS_MIB: Final = 512
HANGS_AFTER_S: Final = 20
MAX_CORPUS_BYTES: Final = 400_000
FROM_A_SMALL_PROCESS: Final = ("sh", "-c", '"$@" & wait $!', "sh")
"""The kernel counts the memory of whoever starts a program into that program's peak."""

DONE: Final = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+) ft: (\d+) corp: (\d+)/\S+.* rss: (\d+)Mb")

no_atheris = pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris is for Linux and Python before 3.14"
)


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_found_before_is_found_no_more(target: str) -> None:
    """Every input of the corpus ends as documented, at once."""
    one = importlib.import_module(f"tests.torture.fuzz.{target}").one
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs
    for path in inputs:
        began_s = time.monotonic()
        one(path.read_bytes())
        assert time.monotonic() - began_s < HANGS_AFTER_S, path.name


def test_the_corpus_stays_small() -> None:
    """It is for this repository, not for an archive."""
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < MAX_CORPUS_BYTES


@no_atheris
@pytest.mark.parametrize("target", TARGETS)
def test_fuzzed_inputs_end_as_documented(trial: Trial, target: str, tmp_path: Path) -> None:
    """In a process of its own: no other exception, no hang, no more memory than is allowed."""
    seconds = trial.amount(short=4, long=240)
    found = tmp_path / "found"
    found.mkdir()
    flags = (
        f"-seed={1 + trial.seed}",
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MAX_RSS_MIB}",
        f"-timeout={HANGS_AFTER_S}",
        "-max_len=4096",
        f"-artifact_prefix={tmp_path}/crash-",
    )

    done = subprocess.run(
        [
            *FROM_A_SMALL_PROCESS,
            *(sys.executable, "-m", "tests.torture.fuzz.run", target),
            *(str(found), str(CORPUS / target), *flags),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=ROOT,
        timeout=seconds + 300,
    )

    crashes = [(path.name, path.read_bytes()[:2_000]) for path in tmp_path.glob("crash-*")]
    assert done.returncode == 0, (crashes, done.stderr[-4_000:], done.stdout[-4_000:])
    ended = DONE.search(done.stderr)
    assert ended is not None, done.stderr[-2_000:]
    n_runs, n_edges, n_features, n_corpus, rss_mib = map(int, ended.groups())
    assert n_runs > len(list((CORPUS / target).iterdir()))
    trial.sum_up(
        f"fuzz, {target}: {n_runs} runs, {n_edges} edges, {n_features} features, corpus "
        f"{n_corpus}, peak {rss_mib} MiB (limit {MAX_RSS_MIB}), 0 crashes"
    )
