"""The form as SPIRA's 2022 app sends it: every answer a text."""

from __future__ import annotations

from typing import Final

HC: Final = "Hospital das Clínicas"

FORM_2022: Final = {
    "rgh": "14259401E",
    "mask_type": "NONE",
    "gender": "Feminino",
    "covid_status": "FALSE",
    "local": HC,
    "age": "61",
    "spo2": "93",
    "bpm": "88",
    "respiratory_frequency": "18",
    "respiratory_insufficiency_status": "true",
    "location": "",
    "last_positive_diagnose_date": "undefined",
    "hospitalized": "undefined",
    "hospitalization_start": "undefined",
    "hospitalization_end": "undefined",
    "cid": "undefined",
}
"""What the 2022 app sends for a patient who never had covid."""
