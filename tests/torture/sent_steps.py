"""What a ward sends to a box, step by step, noting what was acknowledged and when."""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from appliance.core.errors import RecordingNotFound
from appliance.core.ids import InferenceId, RecordingId, Sha256
from tests.system.boxes import Client
from tests.torture.survivors import Acknowledged, Run, Step, Survivor


class Ward:
    """Everything one nurse sends, under ids of its own; the same seed sends the same."""

    def __init__(self, recordings: Mapping[str, bytes], luck: random.Random) -> None:
        """Take a golden case; each take of it is made unlike the others by a little noise."""
        self._golden = recordings
        self._luck = luck
        self._bodies: dict[str, dict[str, Any]] = {}

    def _id(self) -> str:
        return str(uuid.UUID(int=self._luck.getrandbits(128), version=4))

    def _take(self, role: str) -> bytes:
        """Return a recording that was never sent before: its last sample differs."""
        return self._golden[role][:-2] + self._luck.randbytes(1) + b"\0"

    def submission(self) -> Iterator[Step]:
        """Yield three recordings, the inference that names them, and a look at its result."""
        ids: dict[str, str] = {}
        for role in self._golden:
            ids[role] = self._id()
            yield _recording(role, ids[role], self._take(role))
        inference_id = self._id()
        yield self._inference(inference_id, ids)
        yield _result(inference_id)

    def multipart(self) -> Iterator[Step]:
        """Yield the request of 2022; it has no id, so it is not sent twice."""
        contents = {role: self._take(role) for role in self._golden}
        answered: dict[str, str] = {}

        def send(client: Client) -> httpx.Response:
            answer = client.post_2022(contents)
            if answer.is_success:
                answered.update(answer.json())
            return answer

        def check(survivor: Survivor) -> None:
            survivor.client.wait_for_result(answered["inference_id"])
            for content in contents.values():
                sha256 = Sha256(hashlib.sha256(content).hexdigest())
                assert survivor.appliance.audio.read(sha256) == content

        yield Step(name="multipart", send=send, check=check, repeatable=False)

    def refusal(self) -> Iterator[Step]:
        """Yield a recording, and the refusal after which nothing of it is kept."""
        recording_id, content = self._id(), self._take("aceite")
        first = _recording("aceite", recording_id, content)

        def check_before(survivor: Survivor) -> None:
            refused = survivor.rows("SELECT recording_id FROM refused_recordings")
            if (recording_id,) not in refused:
                first.check(survivor)

        yield Step(name="to be refused", send=first.send, check=check_before, repeatable=False)
        inference_id = self._id()

        def send(client: Client) -> httpx.Response:
            if inference_id not in self._bodies:
                body = client.inference_body({"aceite": recording_id})
                consent = {"decision": "refused", "taken_at": body["captured_at"]}
                self._bodies[inference_id] = {**body, "form": {}, "consent": consent}
            return client.put_inference(self._bodies[inference_id], inference_id=inference_id)

        def check(survivor: Survivor) -> None:
            inferences = survivor.appliance.inferences
            assert inferences.inference(InferenceId(inference_id)).consent.decision == "refused"
            digest = hashlib.sha256(content).hexdigest()
            assert digest not in set(survivor.appliance.audio.hashes())
            try:
                survivor.appliance.recordings.recording(RecordingId(recording_id))
            except RecordingNotFound:
                return
            raise AssertionError("what was refused is back")

        yield Step(name="refusal", send=send, check=check)

    def _inference(self, inference_id: str, recordings: Mapping[str, str]) -> Step:
        def send(client: Client) -> httpx.Response:
            if inference_id not in self._bodies:
                self._bodies[inference_id] = client.inference_body(recordings)
            return client.put_inference(self._bodies[inference_id], inference_id=inference_id)

        def check(survivor: Survivor) -> None:
            found = survivor.client.wait_for_result(inference_id)
            assert found["inference"]["status"] == "completed" or survivor.run.unreadable
            assert found["inference"]["rgh"] == self._bodies[inference_id]["form"]["rgh"]

        return Step(name="inference", send=send, check=check)


def _recording(role: str, recording_id: str, content: bytes) -> Step:
    def send(client: Client) -> httpx.Response:
        return client.put_recording(role, content, recording_id=recording_id)

    def check(survivor: Survivor) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        appliance = survivor.appliance
        assert appliance.recordings.recording(RecordingId(recording_id)).sha256 == sha256
        assert appliance.audio.read(Sha256(sha256)) == content

    return Step(name=f"recording {role}", send=send, check=check)


def _result(inference_id: str) -> Step:
    """Return a look at a result until there is one: what was shown once is what is shown."""
    shown: dict[str, Any] = {}

    def send(client: Client) -> httpx.Response:
        deadline = time.monotonic() + 60
        while True:
            answer = client.http.get(f"{client.home}/inferences/{inference_id}/result")
            if not answer.is_success or answer.json()["inference"]["status"] != "processing":
                break
            assert time.monotonic() < deadline, f"waited 60 s for the result of {inference_id}"
            time.sleep(0.01)
        if answer.is_success and not shown:
            shown.update(answer.json()["result"])
        return answer

    def check(survivor: Survivor) -> None:
        assert survivor.client.wait_for_result(inference_id)["result"] == shown

    # Not again: another computation may take another time.
    return Step(name="result", send=send, check=check, repeatable=False)


def sign_in(http: httpx.Client, run: Run) -> httpx.Response:
    """Sign in; a token that was given out is good after any crash."""

    def check(survivor: Survivor) -> None:
        answer = survivor.http.get(f"/v1/users/{run.user_id}")
        assert answer.status_code == httpx.codes.OK, answer.text

    form = {"username": run.account["username"], "password": run.account["password"]}
    answer = http.post("/v1/users/auth", data=form)
    if answer.is_success:
        at_ns = time.monotonic_ns()
        run.token, run.user_id = answer.json()["access_token"], answer.json()["id"]
        step = Step(name="sign-in", send=lambda _: answer, check=check, repeatable=False)
        run.acknowledged.append(Acknowledged(at_ns=at_ns, step=step))
    return answer


def send(step: Step, client: Client, run: Run) -> httpx.Response:
    """Send a step and note its acknowledgement."""
    run.steps.append(step)
    answer = step.send(client)
    if answer.is_success:
        run.acknowledged.append(Acknowledged(at_ns=time.monotonic_ns(), step=step))
    return answer
