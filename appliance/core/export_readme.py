"""The words that go with an export."""

from __future__ import annotations

from typing import Final

README: Final = """\
Export of a SPIRA box

Files
  inferences.csv    one row a request for a pre-diagnosis: form, consent, diagnosis
  results.csv       one row an answer of a model version (results.inference_id)
  recordings.csv    one row a recording: verdict and measures, no sound
  consents.csv      one row a decision on consent
  codebook.csv      every column of these files: meaning, unit, code, values, ranges
  datapackage.json  the same for programs: a Tabular Data Package (frictionlessdata.io)
  provenance.json   which box, protocols and models; counts; the newest record in it
  SHA256SUMS        check with: sha256sum -c SHA256SUMS

Who is in it
  Everyone whose latest consent is "accepted" or "unverified" (a request of the 2022 API tells
  nothing of consent; column consent). Refused and withdrawn ones are left out of every file.
  Rows with sample_type TEST are in it: leave them out of any analysis. Where
  results.demonstration is true, a demonstration model spoke: it says nothing of a patient.

Who is who
  patient_id is a pseudonym: the same patient of the same hospital has the same one at every
  export of this box, or of the study that was named (--study). user_id and tablet_id are
  pseudonyms, too; the key they are made with never leaves the box. No column holds the RGH;
  fields that identify, and free texts, are left out (codebook.csv, column exported). An age of 90
  stands for 90 and over. Dates and rare answers can still point at a person (provenance.json,
  small_groups: patients whom fewer than five share hospital, decade of age and sex with): this is
  pseudonymous health data, keep it so.

How to read it
  UTF-8, comma, decimal point, RFC 4180; instants in UTC (ISO 8601). Empty means missing;
  <field>_absent_reason says why, where it was asked. Truth values are true and false.
  A text that a spreadsheet could take for a formula has an apostrophe (') before it, and so has
  a text that begins with one: take one apostrophe away to have the text. Numbers have none.
  The same records give the same bytes.
  pandas   pd.read_csv("inferences.csv", parse_dates=["created_in"])
  R        read.csv("inferences.csv", na.strings = "")
  DuckDB   SELECT * FROM read_csv('inferences.csv', header = true)
"""
