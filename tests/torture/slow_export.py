"""An export that takes its time, as one to a stick does; the export of the product all the same."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from appliance.bootstrap import open_appliance
from appliance.core.export_choice import ExportChoice
from appliance.settings import read_settings
from appliance.usecases.export import ExportRecords, export_tables

PAUSE_S = 0.02


def main(data: Path, target: Path) -> None:
    """Export with a pause after each inference."""
    with open_appliance(read_settings(os.environ, directory=data)) as box:
        export_tables(
            target,
            pseudonym_key=box.pseudonym_key,
            choice=ExportChoice(include_test=True, include_unverified=True),
            actor="console",
            progress=lambda _number: time.sleep(PAUSE_S),
            clock=box.clock,
            new_id=box.new_id,
            records=ExportRecords(
                protocols=box.protocols,
                inferences=box.inferences,
                recordings=box.recordings,
                audio=box.audio,
                audit=box.audit,
            ),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
