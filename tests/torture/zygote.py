"""A warm program that does each order in a child of its own, so that the child may die of it.

Reads one JSON order a line, and answers with what the child printed and how it ended. Nothing but
imports happens before the fork: no database, no thread and no session crosses it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

from appliance.adapters.audio_files import Disk
from appliance.adapters.bundle_files import BundleFiles
from appliance.adapters.ed25519_signatures import verify
from appliance.bootstrap import Appliance
from appliance.core.audit import first_break
from appliance.core.ids import InferenceId, RecordingId
from appliance.core.inference import ConsentDecision, InferenceStatus
from appliance.core.model import VersionState
from appliance.core.result import ResultState
from appliance.usecases.housekeeping import LEFT_BEHIND_AFTER_S, sweep
from tests.bundle_builders import an_author
from tests.torture.dying import END, Steps, dying
from tests.torture.verbs import (
    MODEL,
    ONCE,
    ROLES,
    SEALED,
    VERBS,
    begin,
    furnish,
    named,
    opened,
    predict_all,
    record,
    submit,
)

_write: Final = os.write
PROBED: Final = frozenset({"model install", "first install", "activate", "rollback"})


def do(order: dict[str, Any]) -> None:
    """Obey one order; prints what it found."""
    directory, verb = Path(order["directory"]), order.get("verb", "")
    if order["do"] == "furnish":
        furnish(directory)
    elif order["do"] == "look":
        with opened(directory, run=4) as box:
            begin(box, starting=True)
            say({"essence": essence(box)})
    elif order["do"] == "run":
        steps = Steps(last=order["last"], side=order["side"])
        with opened(directory, run=2) as box:
            VERBS[verb](dying(box, steps))
            steps.begin(END)
            say({"acknowledged": True, "moments": steps.moments})
    else:
        examine(directory, verb, new=order["new"])


def examine(directory: Path, verb: str, *, new: Any) -> None:  # noqa: ANN401 - JSON
    """Open a box whose process died; say how it is, sweep it, repeat the verb, and use it."""
    with opened(directory, run=3) as box:
        assert_sound(box)
        begin(box, starting=True)
        found = essence(box)
        sweep_all(box)
        if verb not in ONCE or found != new:
            VERBS[verb](box)
        repeated = essence(box)
        if verb in SEALED:
            assert box.envelopes.last_seq() == 1
        if verb in PROBED:
            assert_old_or_new_answers(box)
        begin(box, starting=False)
        predict_all(box)
        assert_answered_once(box)
        assert_sound(box)
        say({"essence": found, "repeated": repeated})


def essence(box: Appliance) -> Any:  # noqa: ANN401 - JSON
    """Return what people see of a box: no times, and no ids that the box gave."""
    recordings = {r.id: r.sha256 for r in box.recordings.recordings(client_ids())}
    inferences = sorted(
        [
            one.status.value,
            one.consent.decision.value,
            sorted(attached.role for attached in one.attachments),
            [[r.model_version, r.state.value, r.diagnosis] for r in box.inferences.results(one.id)],
        ]
        for one in box.inferences.each()
    )
    versions = [[v.model_name, v.version, v.state.value] for v in box.models.versions()]
    defaults = [[m.name, m.is_default] for m in box.models.models() if m.ever_installed]
    protocols = [[p.id, p.active] for p in box.protocols.protocols()]
    found = [recordings, inferences, versions, defaults, protocols]
    return json.loads(json.dumps(found))


def client_ids() -> list[RecordingId]:
    """Return the ids clients gave to recordings."""
    names = ("asked", "waiting", "refused", "new")
    return [RecordingId(named(name, role)) for name in names for role in ROLES]


def sweep_all(box: Appliance) -> None:
    """Sweep as a day later; nothing of the crash is left, and nothing of the box is gone."""
    directory = box.settings.directory
    audio: Any = box.audio
    today, audio.disk = audio.disk, Disk(now_s=_two_days_later)
    bundles = BundleFiles(
        directory / "bundles",
        directory / "bundles" / "staging",
        verify=verify,
        now_s=_two_days_later,
    )
    sweep(audio=box.audio, recordings=box.recordings, bundles=bundles, models=box.models)
    audio.disk = today
    expected = {f"{sha256}.wav" for sha256 in box.recordings.content_hashes()}
    left = {path.name for path in (directory / "audio").iterdir()} - {".lock"}
    assert left == expected, left ^ expected
    for sha256 in box.recordings.content_hashes():
        box.audio.read(sha256)
    installed = {v.digest for v in box.models.versions() if v.state is not VersionState.REMOVED}
    names = {path.name for path in (directory / "bundles").iterdir()} - {"staging"}
    assert names == installed, names ^ installed
    assert list((directory / "bundles" / "staging").iterdir()) == []


def assert_old_or_new_answers(box: Appliance) -> None:
    """Whoever comes now is answered, by the version that the records say is active."""
    for role in ROLES:
        record(box, "probe", role)
    submit(box, "probe")
    predict_all(box)
    (result,) = box.inferences.results(InferenceId(named("probe")))
    active = box.models.model_named(MODEL).active
    assert active is not None
    assert result.state is ResultState.DONE, result.error_code
    assert result.model_version == active.version


def assert_answered_once(box: Appliance) -> None:
    """Each inference has one result, and none is an error."""
    for inference in box.inferences.each():
        results = box.inferences.results(inference.id)
        wanted = [] if inference.consent.decision is ConsentDecision.REFUSED else [ResultState.DONE]
        assert [result.state for result in results] == wanted
        assert inference.status is InferenceStatus.COMPLETED


def assert_sound(box: Appliance) -> None:
    """Database and audit chain hold."""
    assert box.database.integrity_problems() == ()
    assert first_break(box.audit.rows()) is None


def say(answer: dict[str, Any]) -> None:
    """Print one line at once: the next step may be the last."""
    _write(1, json.dumps(answer).encode() + b"\n")


def obey(order: dict[str, Any]) -> int:
    """Do an order in a child; return how that ended, below 0 for a signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        do(order)
    except BaseException:  # noqa: BLE001 - the child's edge
        say({"fault": traceback.format_exc()})
        os._exit(1)
    os._exit(0)


def _two_days_later() -> float:
    return time.time() + 2 * LEFT_BEHIND_AFTER_S


def main() -> None:
    """Obey until there are no more orders."""
    an_author()  # the same one in every child
    for line in sys.stdin:
        say({"ended": obey(json.loads(line))})


if __name__ == "__main__":
    main()
