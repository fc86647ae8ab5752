"""One table of words for metrics, whoever states the figure and wherever it is told."""

from __future__ import annotations

from models.evaluation.probes import SNRS_DB
from models.metric_words import WORDS, words_of


def test_a_figure_says_what_it_is_at() -> None:
    """At 0.5 or at the operating point; what an author calls otherwise keeps its name."""
    assert words_of("sensitivity") == "Sensitivity at 0.5"
    assert "at the operating point" in words_of("specificity_at_point")
    assert words_of("my_own") == "my_own"
    assert {f"flips_at_{snr}_db" for snr in SNRS_DB} <= WORDS.keys()
