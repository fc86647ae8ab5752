"""The words that go with an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.core.export_choice import ExportChoice
from appliance.core.export_dates import MAX_DAYS, Dates
from appliance.core.small_groups import K


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What an export says of itself in words.

    Attributes:
        n_inferences: how many are in it.
        n_small_groups, n_in_small_groups: groups of fewer than five patients, and who is in them.
    """

    choice: ExportChoice
    n_inferences: int
    n_small_groups: int
    n_in_small_groups: int


def readme(facts: ExportFacts) -> str:
    """Return the README of an export, without a time of its own."""
    choice = facts.choice
    parts = (
        _FILES + (_PARQUET if choice.parquet else ""),
        _who(facts),
        _IDENTIFIED if choice.identified else _PSEUDONYMS,
        _small_groups(facts),
        "Dates\n" + _DATES[choice.dates],
        _AUDIO if choice.audio else "",
        _HOW,
    )
    return "\n".join(part for part in parts if part)


def _who(facts: ExportFacts) -> str:
    choice = facts.choice
    consents = '"accepted"'
    if choice.include_unverified:
        consents += ' or "unverified" (a request of the 2022 API tells\n  nothing of consent)'
    tests = (
        "Tests are in it: leave rows with sample_type TEST out of any analysis, and results with\n"
        "  demonstration true: a demonstration model says nothing of a patient."
        if choice.include_test
        else "Tests (sample_type TEST) and what a demonstration model said are left out."
    )
    cut = " The options in provenance.json say which were asked for." if _is_cut(choice) else ""
    return (
        f"Who is in it\n  {facts.n_inferences} inferences whose latest consent is {consents}.\n"
        f"  Refused and withdrawn ones are left out of every file. {tests}{cut}\n"
    )


def _is_cut(choice: ExportChoice) -> bool:
    return choice.since is not None or bool(choice.where)


def _small_groups(facts: ExportFacts) -> str:
    """Return how easily somebody is told apart: counted, and left in."""
    return (
        "Who could be told apart\n"
        f"  Groups of fewer than {K} patients of one hospital, sex and decade of age:\n"
        f"  {facts.n_small_groups}, with {facts.n_in_small_groups} patients. They are left in.\n"
        "  Merge or drop such groups before anything of this export is published.\n"
    )


_FILES: Final = """\
Export of a SPIRA box

Files
  inferences.csv    one row a request for a pre-diagnosis: form, consent, diagnosis
  results.csv       one row an answer of a model version (results.inference_id)
  recordings.csv    one row a recording: verdict, measures, what the browser did
  consents.csv      one row a decision on consent
  codebook.csv      every column of these files: meaning, unit, code, values, ranges
  datapackage.json  the same for programs: a Tabular Data Package (frictionlessdata.io)
  provenance.json   which box, protocols, models and options; counts; the newest record in it
  SHA256SUMS        check with: sha256sum -c SHA256SUMS
"""

_PARQUET: Final = """\
  *.parquet         the same tables with types, and texts as they are: no apostrophe before them
"""

_PSEUDONYMS: Final = """\
Who is who
  patient_id is a pseudonym: the same patient of the same hospital has the same one at every
  export of this box, or of the study that was named (--study). All other ids are pseudonyms, too,
  and none is that of the box or of another study; the key they are made with never leaves the box.
  No column holds the RGH; fields that identify, and free texts, are left out (codebook.csv, column
  exported). An age of 90 stands for 90 and over. Rare answers can still point at a person, and
  answers and measures are the same in every study: this is pseudonymous health data, keep it so,
  and do not compare it row by row with that of another study.
"""

_IDENTIFIED: Final = """\
Who is who
  THIS EXPORT IDENTIFIES PATIENTS: RGH, free texts and ages are in it as they were entered, and all
  ids are those of the box. Why is in provenance.json (reason) and in the audit of the box.
  patient_id is the pseudonym that exports without names have.
"""

_DATES: Final = {
    Dates.SHIFTED: f"""\
  All dates of a patient are moved back by the same number of whole days, 1 to {MAX_DAYS}, and
  instants are cut to the minute: intervals and times of day are true, dates, seasons and days of
  the week are not. Rows stand in the order of their ids, which tells nothing of time. Instants
  more than a day after the visit (an import, a model asked later) are empty: shared by many, they
  would tell by how much each was moved.
  That number and all ids are the same at every export of this study. So whoever holds two exports
  knows that what is new in the later one was received between two known days, and roughly by how
  much its dates were moved. Take the whole, and seldom; or --dates month-hour for a study whose
  data is taken often (--since), and never both ways for one study.
""",
    Dates.MONTH_HOUR: """\
  Every instant is told as the first of its month at its full hour in UTC, every date as the first
  of its month: intervals cannot be computed. Rows stand in the order of their ids, which tells
  nothing of time. Ids are the same at every export of this study: what is new since an earlier
  one was received between the two. Never export the study with moved dates, too: both together
  tell by how much they were moved.
""",
    Dates.TRUE: """\
  Dates and instants are the true ones. Rows stand in the order of their ids.
""",
}

_AUDIO: Final = """\
Sound
  audio/sub-PATIENT/ses-INFERENCE/: one WAV a recording, the first 16 digits of its SHA-256 in its
  name; recordings.path says which. A voice identifies: treat these files as you would a name.
  Spoken consents are never in it, nor is who accepted but did not agree to audio_sharing. Unless
  patients are identified, what a recorder wrote into a file beside the sound (LIST, bext) is
  taken out; recordings.sha256 and n_bytes are those of the file here.
"""

_HOW: Final = """\
How to read it
  UTF-8, comma, decimal point, RFC 4180; instants in UTC (ISO 8601). Empty means missing;
  <field>_absent_reason says why, where it was asked. Truth values are true and false.
  A text that a spreadsheet could take for a formula has an apostrophe (') before it, and so has
  a text that begins with one: take one apostrophe away to have the text. Numbers have none.
  The same records and options give the same bytes.

  A code is a text, also where it looks like a truth value (TRUE): the lines below take the types
  from datapackage.json or codebook.csv, so that a column has one type in every part of the data.

  pandas (2 or newer)
    import json
    import pandas as pd

    with open("datapackage.json", encoding="utf-8") as file:
        tables = {one["path"]: one["schema"]["fields"] for one in json.load(file)["resources"]}
    types = {"integer": "Int64", "number": "float64", "boolean": "boolean"}

    def table(path):
        kinds = {field["name"]: field["type"] for field in tables[path]}
        found = pd.read_csv(path, keep_default_na=False, na_values=[""],
                            dtype={name: types.get(kind, "string") for name, kind in kinds.items()})
        for name, kind in kinds.items():
            if kind in ("date", "datetime"):
                found[name] = pd.to_datetime(found[name], format="ISO8601", utc=kind == "datetime")
        return found

    inferences, results = table("inferences.csv"), table("results.csv")
    both = inferences.merge(results, left_on="id", right_on="inference_id",
                            suffixes=("", "_result"))
  R
    book <- read.csv("codebook.csv", colClasses = "character")
    book <- unique(book[book$exported == "yes", c("file", "column", "type")])
    table_of <- function(path) {
      own <- book[book$file == path, ]
      texts <- own$column[!own$type %in% c("integer", "number")]
      found <- read.csv(path, na.strings = "",
                        colClasses = setNames(rep("character", length(texts)), texts))
      flags <- setdiff(own$column[own$type == "boolean"], own$column[own$type != "boolean"])
      found[flags] <- lapply(found[flags], function(answer) answer == "true")
      found
    }
    inferences <- table_of("inferences.csv")
    results <- table_of("results.csv")
    both <- merge(inferences, results, by.x = "id", by.y = "inference_id",
                  suffixes = c("", "_result"))
  DuckDB, where a column is a text until it is cast
    SELECT i.patient_id, i.created_in::TIMESTAMPTZ AS at, r.probability::DOUBLE AS probability
    FROM read_csv('inferences.csv', header = true, all_varchar = true) AS i
    JOIN read_csv('results.csv', header = true, all_varchar = true) AS r ON r.inference_id = i.id;
"""
