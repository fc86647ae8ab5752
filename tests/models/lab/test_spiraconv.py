"""The network and its features, against torchaudio and the publication."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from appliance.core.errors import FileMissing, ModelSourceUnavailable
from models.golden import GoldenSet
from models.progress import silent
from models.spiraconv.front_end import Cepstrum, MelDecibels, filter_constants
from models.spiraconv.network import MishByOneExp, SpiraConv
from models.spiraconv.parameters import (
    Parameters,
    encode_parameters,
    parameters_of,
    read_parameters,
)
from models.spiraconv.reference import Features, window_probabilities
from models.spiraconv.windows import SHORTEST, STEP
from models.training.examples import Examples, examples
from models.voices.cohort import Split, people


def test_the_network_has_as_many_weights_as_the_published_one() -> None:
    """691,613, of which 99.5 % are in the first dense layer."""
    network = SpiraConv(dropout=0.7)
    assert sum(weights.numel() for weights in network.parameters()) == 691_613
    assert network(torch.zeros(2, 401, 40)).shape == (2,)


def test_mish_by_one_exponential_is_mish() -> None:
    """To the last bits of float32, and without overflow."""
    x = torch.cat((torch.linspace(-100, 100, 20_001), torch.tensor([-3e38, 3e38])))
    expected = nn.functional.mish(x.double()).float()
    assert torch.allclose(MishByOneExp()(x), expected, rtol=2e-6, atol=2e-6)


def test_shared_frames_are_torchaudios_windows(golden: GoldenSet) -> None:
    """MFCC of a whole recording by shared frames are those of each window on its own."""
    waveform = golden.waveforms(golden.cases[0])["parlenda"]
    expected = Features()(waveform)
    n = len(expected)
    constants = filter_constants()
    samples = torch.from_numpy(waveform[: (n + 3) * STEP].copy())
    decibels = MelDecibels(constants)(samples, torch.arange(n) * 100)
    found = torch.stack([Cepstrum(constants)(window) for window in decibels])
    assert n >= 2
    assert float((found - expected).abs().max()) < 1e-3


def test_a_loud_window_does_not_change_the_others() -> None:
    """The 80 dB clamp is each window's own: the published code is per window."""
    quiet = 0.001 * np.random.default_rng(1).standard_normal(6 * STEP).astype(np.float32)
    loud = quiet.copy()
    loud[-STEP:] = 1.0
    features = Features()
    assert torch.equal(features(quiet)[0], features(loud)[0])


def test_a_short_recording_is_one_that_silence_follows(parameters: Parameters) -> None:
    """0.7 s score as the same 0.7 s extended with zeros to 64,001 samples."""
    voice = np.sin(np.arange(11_200) / 20).astype(np.float32)
    network, features = parameters.build(), Features()
    extended = np.pad(voice, (0, SHORTEST - voice.size))
    short, long = (
        window_probabilities(network, features, {"parlenda": w}, roles=("parlenda",))
        for w in (voice, extended)
    )
    assert short.shape == (1,)
    assert short == long


def test_training_hears_every_recording_cut_short_too() -> None:
    """One more window each, whose end is silence; the data set is the same by its digest."""
    features = Features()

    def heard(cuts: np.random.Generator | None) -> Examples:
        return examples(
            people(Split.TRAIN, 1, seed=3), 1, features, step="", progress=silent, cuts=cuts
        )

    whole, cut = heard(None), heard(np.random.default_rng(0))
    for alone, longer in zip(whole.people[0].windows, cut.people[0].windows, strict=True):
        assert torch.equal(longer[:-1], alone)
        assert len(longer) == len(alone) + 1
        # Constant to the last frame: the silence it was extended with.
        assert torch.equal(longer[-1, -2], longer[-1, -3])
    assert whole.digest == cut.digest


def test_parameters_come_back_from_their_file(tmp_path: Path) -> None:
    """The same arrays, and the same bytes when written again."""
    torch.manual_seed(0)
    written = encode_parameters(parameters_of(SpiraConv(dropout=0.5)))
    path = tmp_path / "weights.npz"
    path.write_bytes(written)
    assert encode_parameters(read_parameters(path)) == written


def test_pickled_parameters_are_refused(tmp_path: Path) -> None:
    """A file that would run code is no parameters; neither is half of one, nor none."""
    pickled = io.BytesIO()
    np.savez(pickled, x=np.array([print], dtype=object))
    path = tmp_path / "weights.npz"
    for content in (pickled.getvalue(), b"PK\x03\x04", b"", b"\x80\x04K\x01."):
        path.write_bytes(content)
        with pytest.raises(ModelSourceUnavailable):
            read_parameters(path)
    with pytest.raises(FileMissing):
        read_parameters(tmp_path / "nothing.npz")


def test_parameters_of_another_network_are_refused(tmp_path: Path) -> None:
    """Arrays alone do not make a SpiraConv."""
    path = tmp_path / "weights.npz"
    np.savez(path, weight=np.zeros(3, dtype=np.float32))
    with pytest.raises(ModelSourceUnavailable):
        read_parameters(path)
