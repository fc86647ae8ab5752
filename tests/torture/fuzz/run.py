"""Fuzz one reader, guided by coverage: `python -m tests.torture.fuzz.run TARGET [FLAG|DIR]...`.

Flags and directories are libFuzzer's: new inputs go to the first directory.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

import atheris  # type: ignore[import-untyped]

INSTRUMENTED: Final = ["appliance.core", "appliance.web.multipart", "multipart"]


def main() -> None:
    """Run until libFuzzer has enough; it ends the process by itself."""
    target = sys.argv.pop(1)
    with atheris.instrument_imports(include=INSTRUMENTED):
        one = importlib.import_module(f"tests.torture.fuzz.{target}").one
    # For a merge libFuzzer starts itself again, by a shell: this is how.
    sys.argv[0] = f"{sys.executable} -m tests.torture.fuzz.run {target}"
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
