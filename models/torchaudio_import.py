"""The one place where torchaudio is imported, without its compiled extension.

torchaudio 2.11 on PyPI is built against CUDA: beside a CPU build of torch its extension does not
load, and `import torchaudio` fails. The transforms used here (MFCC) are plain torch and need none
of it, so a stand-in for `torchaudio._extension` says there is no extension.
"""

from __future__ import annotations

import sys
from types import ModuleType


def _without_extension() -> ModuleType:
    stand_in = ModuleType("torchaudio._extension")
    vars(stand_in)["_IS_TORCHAUDIO_EXT_AVAILABLE"] = False
    vars(stand_in)["fail_if_no_align"] = lambda function: function
    return stand_in


sys.modules.setdefault("torchaudio._extension", _without_extension())

import torchaudio  # noqa: E402 - the stand-in must come first

MFCC = torchaudio.transforms.MFCC

__all__ = ["MFCC"]
