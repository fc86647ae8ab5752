"""How a training is set: by file, by word, by default; what is wrong is named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import models
from appliance.core.errors import FileMissing, InvalidRequest
from models.training.augmentation import Augmentation
from models.training.patient_split import Shares
from models.training.plan import TrainingPlan
from models.training.settings import DEFAULTS, read_settings

AUTHORS = Path(models.__file__).parent / "AUTHORS.md"
FILE = """
seed = 5
batch = 8
validation_share = 0.25
[augmentation]
share = 0.25
snrs_db = [0, 12.5]
"""


def test_nothing_told_is_the_defaults() -> None:
    """Voices are changed by default."""
    assert read_settings(None, {"seed": None}) == (DEFAULTS, Shares())
    assert DEFAULTS.augmentation == Augmentation()


def test_a_word_counts_more_than_a_file_and_a_file_more_than_defaults(tmp_path: Path) -> None:
    """Each setting by itself, those of augmentation, too."""
    path = tmp_path / "settings.toml"
    path.write_text(FILE)
    plan, shares = read_settings(path, {"seed": 9, "n_epochs": 3, "patience": None})
    assert (plan.seed, plan.batch, plan.n_epochs, plan.patience) == (9, 8, 3, DEFAULTS.patience)
    assert plan.augmentation == Augmentation(share=0.25, snrs_db=(0.0, 12.5))
    assert shares == Shares(validation=0.25, test=0.2)


def test_what_authors_read_is_the_defaults(tmp_path: Path) -> None:
    """AUTHORS.md shows every setting with its default."""
    (shown,) = re.findall(r"```toml\n(.*?)```", AUTHORS.read_text(), re.DOTALL)
    path = tmp_path / "settings.toml"
    path.write_text(shown)
    assert read_settings(path, {}) == (DEFAULTS, Shares())
    named = {line.split(" = ")[0] for line in shown.splitlines() if " = " in line}
    known = {field.name for kind in (TrainingPlan, Augmentation) for field in fields(kind)}
    counted = {"n_train", "n_validation", "n_test", "augmentation"}
    assert named == known - counted | {"validation_share", "test_share"}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("epochs = 3", "epochs"),
        ("n_train = 3", "n_train"),
        ("[augmentation]\nsnr = 3", "augmentation.snr"),
        ("augmentation = 3", "augmentation"),
        ("batch = 0", "batch"),
        ("dropout = 1.0", "dropout"),
        ("learning_rate = nan", "learning_rate"),
        ("weight_decay = -1.0", "weight_decay"),
        ("patience = -1", "patience"),
        ("[augmentation]\nshare = 2.0", "augmentation.share"),
        ('batch = "many"', "$.batch"),
        ('test_share = "half"', "Expected `float`"),
        ("batch = \nseed = 1", "line 1"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, named: str) -> None:
    """Unknown, out of range, of another type, or no TOML: file and setting."""
    path = tmp_path / "settings.toml"
    path.write_text(content)
    with pytest.raises(InvalidRequest) as refusal:
        read_settings(path, {})
    (fault,) = refusal.value.errors
    assert "settings.toml" in refusal.value.detail
    assert named in f"{fault.field} {fault.message}"


def test_a_word_out_of_range_is_named() -> None:
    """As where no file is."""
    with pytest.raises(InvalidRequest) as refusal:
        read_settings(None, {"n_epochs": 0})
    assert [fault.field for fault in refusal.value.errors] == ["settings, n_epochs"]


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(FileMissing, match=r"nothing\.toml"):
        read_settings(tmp_path / "nothing.toml", {})
