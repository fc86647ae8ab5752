"""Everything a packed SpiraConv is made of: weights and filters, as one file without pickle."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from appliance.core.errors import FileMissing, ModelSourceUnavailable
from models.spiraconv.front_end import filter_constants
from models.spiraconv.network import SpiraConv

_NETWORK: Final = "network/"
_FILTERS: Final = "filters/"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameters:
    """The arrays of one trained model, float32.

    Attributes:
        network: by the names of `SpiraConv`'s state.
        filters: `window`, `mel` and `dct` of the front end (see `filter_constants`).
    """

    network: Mapping[str, NDArray[np.float32]]
    filters: Mapping[str, NDArray[np.float32]]

    def build(self, mish: Callable[[], nn.Module] = nn.Mish) -> SpiraConv:
        """Return the network with these weights, for evaluation."""
        network = SpiraConv(dropout=0.0, mish=mish)
        network.load_state_dict({name: torch.tensor(value) for name, value in self.network.items()})
        return network.eval()


def parameters_of(network: SpiraConv) -> Parameters:
    """Return a copy of a network's weights, with the filters of this machine's torchaudio."""
    state = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}
    return Parameters(network=state, filters=filter_constants())


def encode_parameters(parameters: Parameters) -> bytes:
    """Return an `.npz` file; the same arrays give the same bytes."""
    packed = io.BytesIO()
    groups = ((_NETWORK, parameters.network), (_FILTERS, parameters.filters))
    with zipfile.ZipFile(packed, "w") as archive:
        for prefix, arrays in groups:
            for name in sorted(arrays):
                array = io.BytesIO()
                np.save(array, arrays[name], allow_pickle=False)
                # A ZipInfo made by hand is dated 1980; stored, since zlibs pack differently.
                archive.writestr(zipfile.ZipInfo(f"{prefix}{name}.npy"), array.getvalue())
    return packed.getvalue()


def read_parameters(path: Path) -> Parameters:
    """Return the arrays of an `.npz` file; pickled objects are never loaded.

    Raises:
        FileMissing: there is no such file.
        ModelSourceUnavailable: it does not hold the parameters of a SpiraConv.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileMissing(f"{path.name} cannot be read.", file=path.name) from error
    try:
        arrays = _arrays(content)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelSourceUnavailable(f"{path.name} holds no arrays.") from error
    found = Parameters(network=_under(arrays, _NETWORK), filters=_under(arrays, _FILTERS))
    try:
        found.build()
    except RuntimeError as error:
        raise ModelSourceUnavailable(f"{path.name} holds no SpiraConv.") from error
    if {"window", "mel", "dct"} != found.filters.keys():
        raise ModelSourceUnavailable(f"{path.name} holds no filters of the front end.")
    return found


def sha256_of(parameters: Parameters) -> str:
    """Return the digest, in hex, of the encoded parameters."""
    return hashlib.sha256(encode_parameters(parameters)).hexdigest()


def _arrays(content: bytes) -> dict[str, NDArray[np.float32]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(
                io.BytesIO(archive.read(name)), allow_pickle=False
            )
            for name in archive.namelist()
        }


def _under(
    arrays: Mapping[str, NDArray[np.float32]], prefix: str
) -> dict[str, NDArray[np.float32]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
