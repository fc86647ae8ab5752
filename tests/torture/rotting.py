"""A box with real content whose bits are flipped, and everything it shows or works with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
from litestar.testing import TestClient

from appliance.adapters.onnx_predictor import OnnxPredictor
from appliance.bootstrap import Appliance, open_appliance
from appliance.core.errors import ApplianceError
from appliance.core.export_choice import ExportChoice
from appliance.core.ids import InferenceId, RecordingId
from appliance.settings import Settings, read_settings
from appliance.usecases.export import ExportRecords, export_tables
from appliance.usecases.predict import predict_next
from appliance.web.application import create_web
from appliance.web.health import Readiness
from tests.bundle_builders import a_wav
from tests.commands.console import Console, make_box

N_INFERENCES: Final = 6
ROLES: Final = ("aceite", "sustentada", "parlenda")
REFUSED: Final = "refused"
"""What stands for a value the box does not give."""


@dataclass(kw_only=True)
class RottingBox:
    """The box.

    Attributes:
        pristine: its database, as it was.
        inferences, recordings: the ids of what it holds.
        queued: the inference whose result waits to be scored.
        token: of its nurse, for the API.
    """

    console: Console
    settings: Settings
    inferences: tuple[InferenceId, ...] = ()
    recordings: tuple[RecordingId, ...] = ()
    token: str = ""
    pristine: bytes = b""
    predictor: OnnxPredictor = field(default_factory=lambda: OnnxPredictor(warm_up_timeout_s=30))

    @property
    def queued(self) -> InferenceId:
        """The inference whose result waits to be scored."""
        return self.inferences[-1]

    @property
    def database(self) -> Path:
        """Where the records are."""
        return self.console.directory / "records.db"

    def files(self, kind: str) -> list[Path]:
        """Return the files of `audio`, `bundles` or `keys`."""
        found = (path for path in (self.console.directory / kind).rglob("*") if path.is_file())
        return sorted(path for path in found if path.stat().st_size)

    def verify(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Return the exit status of `spira verify` and the details of what it found, by code."""
        said = self.console.run("verify", "--json")
        if "findings" not in said.document:
            return said.status, {said.error: {}}
        found = said.document["findings"]
        return said.status, {finding["code"]: finding["details"] for finding in found}

    @contextmanager
    def opened(self, *, fresh: bool = False) -> Iterator[Appliance]:
        """Give the box as its server has it; if fresh, with no model loaded."""
        predictor = OnnxPredictor(warm_up_timeout_s=30) if fresh else self.predictor
        with open_appliance(self.settings) as box:
            yield replace(box, predictor=predictor)

    def restore(self) -> None:
        """Put the records back as they were."""
        for rest in ("-wal", "-shm"):
            self.database.with_name(f"records.db{rest}").unlink(missing_ok=True)
        self.database.write_bytes(self.pristine)

    def shown(self, box: Appliance) -> dict[str, Any]:
        """Return everything the box shows or works with, or that it refuses to."""
        looks: dict[str, Callable[[], Any]] = {
            "users": box.accounts.users,
            "hospitals": box.hospitals.hospitals,
            "protocols": box.protocols.protocols,
            "models": box.models.models,
            "versions": box.models.versions,
            "keys": box.keys.keys,
            "each": lambda: tuple(box.inferences.each()),
            "credentials": lambda: box.accounts.credentials("ana") or REFUSED,
        }
        for inference_id in self.inferences:
            looks |= {
                f"inference {inference_id}": partial(box.inferences.inference, inference_id),
                f"results {inference_id}": partial(box.inferences.results, inference_id),
                f"consents {inference_id}": partial(box.inferences.consents, inference_id),
            }
        for recording_id in self.recordings:
            looks[f"recording {recording_id}"] = partial(box.recordings.recording, recording_id)
        return {name: _attempt(look) for name, look in looks.items()}

    def exported(self, box: Appliance, target: Path) -> dict[str, bytes] | str:
        """Return the files of an export, or that it is refused."""

        def export() -> dict[str, bytes]:
            export_tables(
                target,
                pseudonym_key=box.pseudonym_key,
                choice=ExportChoice(include_test=True, include_unverified=True),
                actor="console",
                progress=lambda _n: None,
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
            return {path.name: path.read_bytes() for path in target.iterdir()}

        found: dict[str, bytes] | str = _attempt(export)
        return found

    def scored(self, box: Appliance) -> tuple[object, ...] | str:
        """Score what waits; return the answer that is shown then, or that there is none."""

        def score() -> tuple[object, ...]:
            predict_next(None, scoring=box.scoring())
            (result,) = box.inferences.results(self.queued)
            return (result.diagnosis, result.probability, result.reason, result.error_code)

        found: tuple[object, ...] | str = _attempt(score)
        return found


@contextmanager
def serving(box: Appliance) -> Iterator[httpx.Client]:
    """Give a client of the box's API."""
    app = create_web(box, readiness=Readiness(None))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as http:
        yield http


def make_rotting_box(directory: Path) -> RottingBox:
    """Return a box with inferences, results, a withdrawal, users, a token, and one that waits."""
    console = make_box(directory)
    console.json("users", "add", "rui", "--role", "researcher", "--generate")
    ids = []
    for number in range(N_INFERENCES):
        last = number == N_INFERENCES - 1
        wavs = {
            role: a_wav(0.2 + place / 10 + number / 100, n_samples=8_000 + 16_000 * place)
            for place, role in enumerate(ROLES)
        }
        said = console.json(
            "infer",
            *console.form(age=40 + number),
            *console.recordings(**wavs),
            "--no-wait" if last else "--wait",
        )
        ids.append(said["inference"]["id"])
    console.json("inferences", "withdraw", ids[0])
    box = RottingBox(
        console=console,
        settings=read_settings({}, directory=console.directory),
        inferences=tuple(map(InferenceId, ids)),
    )
    _sign_in(box)
    with box.opened() as appliance:
        attached = [a for one in appliance.inferences.each() for a in one.attachments]
        box.recordings = tuple(attachment.recording_id for attachment in attached)
    box.pristine = box.database.read_bytes()
    return box


def flip(path: Path, random: random.Random) -> bytes:
    """Flip one bit of a file; return what was in it."""
    before = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(flipped(before, random.randrange(8 * len(before))))
    return before


def flipped(content: bytes, bit: int) -> bytes:
    """Return the content with one bit flipped."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _sign_in(box: RottingBox) -> None:
    """Let the nurse sign in, and somebody guess."""
    said = box.console.json("users", "passwd", "ana", "--generate")
    body = {"username": "ana", "password": said["user"]["password"]}
    with box.opened() as appliance, serving(appliance) as http:
        box.token = http.post("/v1/users/auth", data=body).json()["access_token"]
        http.post("/v1/users/auth", data={**body, "password": "wrong guess"})


def _attempt(look: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it shows
    """Return what a look gives; a refusal with a name is one, anything else is a fault."""
    try:
        return look()
    except ApplianceError:
        return REFUSED
