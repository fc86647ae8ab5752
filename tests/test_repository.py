"""The repository speaks of the product alone: no machine's paths, no registry's addresses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = re.compile(r"(requirements.*|constraints.*)\.txt|package-lock\.json")
ADDRESSES = re.compile(rb"--(extra-)?index-url|--find-links|--trusted-host|\"resolved\"|@ file:")
REGISTRIES = re.compile(rb"(files\.pythonhosted|download\.pytorch|registry\.npmjs)\.org|pypi\.org/")
MACHINE_PATHS = re.compile(rb"(?<![\w.})*])/(?:work|root|home|Users)/\w")


def tracked_files() -> list[Path]:
    """Every file git knows that is still there; none where the sources came without git."""
    if not (ROOT / ".git").exists():
        return []
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the developer's own git
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file() and file != Path(__file__)]


def stains(name: str, content: bytes) -> list[str]:
    """What a file says about a machine or a registry."""
    found = [*REGISTRIES.finditer(content), *MACHINE_PATHS.finditer(content)]
    if LOCKS.fullmatch(name):
        found += ADDRESSES.finditer(content)
        if name.endswith(".txt"):
            found += re.finditer(rb"\S*://\S*", content)
    return [match.group().decode(errors="replace") for match in found]


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    """Whoever clones this finds no address that is valid only where it was written."""
    files = tracked_files()
    if not files:
        pytest.skip("these sources came without git")
    stained = {str(f.relative_to(ROOT)): stains(f.name, f.read_bytes()) for f in files}
    assert {name: found for name, found in stained.items() if found} == {}


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_of_the_box_is_hashed_and_free_of_the_lab(lock: str) -> None:
    """Every pinned package has a hash, and none is of the lab."""
    blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    names = {block.split("==")[0] for block in blocks}
    assert all(re.search(r"==\S+ .*--hash=sha256:[0-9a-f]{64}", b, re.DOTALL) for b in blocks)
    assert names.isdisjoint({"torch", "torchaudio", "mlflow", "onnx", "onnxscript", "pandas"})
    assert {"litestar", "onnxruntime", "huey"} <= names


def test_both_environments_share_one_version_of_each_library() -> None:
    """What is measured in the lab is what runs at the bedside."""
    pin = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
    lab = dict(pin.findall((ROOT / "constraints-lab.txt").read_text()))
    box = dict(pin.findall((ROOT / "requirements-dev.txt").read_text()))
    shared = (lab.keys() & box.keys()) - {"python-dateutil"}  # DECISIONS 87
    assert {name: lab[name] for name in shared} == {name: box[name] for name in shared}
    assert len(shared) > len(box) * 0.9


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", b"--index-url https://example.org/simple"),
        ("constraints-lab.txt", b"torch @ https://example.org/torch.whl"),
        ("package-lock.json", b'"resolved": "https://example.org/x.tgz"'),
        ("notes.md", b"see /home/somebody/notes"),
        ("graph.onnx", b"\x08\x09/root/train.py\x00"),
        ("Makefile", b"pip install -i https://files.pythonhosted.org"),
    ],
)
def test_a_stain_is_seen(name: str, content: bytes) -> None:
    """Each kind of stain is caught where it is planted."""
    assert stains(name, content) != []
