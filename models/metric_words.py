"""What cards, pages and the console call a metric: one table, whoever states the figure."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "accuracy": "Accuracy at 0.5",
    "sensitivity": "Sensitivity at 0.5",
    "specificity": "Specificity at 0.5",
    "sensitivity_at_point": "Sensitivity at the operating point (positive, of all patients)",
    "specificity_at_point": "Specificity at the operating point (negative, of all others)",
    "share_decided": "Share decided (outside the grey zone)",
    "accuracy_decided": "Accuracy among the decided",
    "sensitivity_decided": "Sensitivity among the decided",
    "specificity_decided": "Specificity among the decided",
    "auc": "Area under the ROC curve",
    "brier": "Brier score",
    "calibration_slope": "Slope of calibration (1 is right)",
    "calibration_intercept": "Intercept of calibration (0 is right)",
    "leak_room_auc": "Area on the sound of the room alone",
    "leak_length_auc": "Area on made noise of the same lengths",
    "leak_pauses_auc": "Area on the parts without speech",
    "flips_at_20_db": "Answers that ward noise at 20 dB changes",
    "flips_at_10_db": "Answers that ward noise at 10 dB changes",
    "flips_at_5_db": "Answers that ward noise at 5 dB changes",
    "form_only_auc": "Area of the form alone",
    "gain_over_form_only": "Gain over the form alone",
    "model_on_form_only_auc": "Area of the model on the form and noise",
    "gain_over_model_on_form_only": "Gain over the model on the form and noise",
    "duration_only_auc": "Area of the lengths alone",
    "gain_over_duration_only": "Gain over the lengths alone",
}
"""Accuracy, sensitivity and specificity are at a probability of 0.5. At the operating point all
patients count: who is inconclusive was neither found nor cleared."""


def words_of(name: str) -> str:
    """Return what a metric is called; one of an author's own by its name."""
    return WORDS.get(name, name)
