"""`spira`, from the first instant: nothing is imported before Ctrl-C is heeded."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `spira`; stopped while it still loads, it ends as it would later, without a traceback."""
    try:
        from cli.table import app  # noqa: PLC0415 - a stop during these imports is a stop

        app()
    except KeyboardInterrupt:
        from appliance.commands.stopped import EXIT_STOPPED, tell_stopped  # noqa: PLC0415

        tell_stopped(as_json="--json" in sys.argv)
        sys.exit(EXIT_STOPPED)
