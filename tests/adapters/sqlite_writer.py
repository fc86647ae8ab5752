"""A process of its own that adds hospitals and says which of them it was promised."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.adapters.sqlite_records import open_records
from appliance.core.ids import HospitalId
from tests.builders import a_hospital, an_audit


def main(path: Path, name: str, n_hospitals: int) -> None:
    """Add hospitals one by one; print each name once its write has returned."""
    records = open_records(path)
    for number in range(n_hospitals):
        mine = f"{name}-{number}"
        hospital = a_hospital(id=HospitalId(mine), name=mine)
        records.hospitals.add_hospital(hospital, audit=an_audit())
        print(mine, flush=True)  # noqa: T201 - read by the test
    records.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
