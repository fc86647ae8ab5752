"""Artifacts in a store that speaks S3: handed out by a real MLflow server, or fetched directly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from appliance.core.errors import ModelSourceUnavailable
from models.registry import pull, register, tracked_run
from tests.models.lab.mlflow_server import Server
from tests.models.lab.runs import Run, files_of

BUCKET: Final = "models-of-the-group"
KEY: Final = "key-of-a-test"
SECRET: Final = "secret-of-a-test"
REGION: Final = "us-east-1"


@dataclass
class Store:
    """A store with one bucket."""

    address: str
    listener: ThreadedMotoServer
    bucket: Any

    @property
    def environment(self) -> dict[str, str]:
        """What whoever reaches it has to know."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "MLFLOW_S3_ENDPOINT_URL": self.address,
        }

    def holds(self, prefix: str) -> bool:
        """Return whether anything lies there."""
        return any(True for _ in self.bucket.objects.filter(Prefix=prefix))


@pytest.fixture
def store() -> Iterator[Store]:
    """A store of its own for each test."""
    listener = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    listener.start()
    host, port = listener.get_host_and_port()
    address = f"http://{host}:{port}"
    owner = boto3.Session(KEY, SECRET, region_name=REGION).resource("s3", endpoint_url=address)
    requests.post(f"{address}/moto-api/reset", timeout=10).raise_for_status()
    try:
        yield Store(address, listener, owner.create_bucket(Bucket=BUCKET))
    finally:
        listener.stop()


def registered(server: Server, run: Run, tmp_path: Path) -> None:
    """Log the tiny SpiraConv there, and register it."""
    with tracked_run(server.uri, tmp_path / "unused") as tracked:
        model_uri = tracked.log_directory(run.trained.directory)
    register(model_uri, name="spiraconv", tracking_uri=server.uri)


def assert_pulled(server: Server, run: Run, target: Path) -> None:
    """See that what is pulled by the alias is what was logged, byte for byte."""
    pulled = pull("models:/spiraconv@candidate", tracking_uri=server.uri, target_directory=target)
    assert files_of(pulled.directory) == files_of(run.trained.directory)


def test_a_server_hands_out_what_it_keeps_there(run: Run, store: Store, tmp_path: Path) -> None:
    """Who logs and pulls needs no key of the store."""
    server = Server(
        tmp_path,
        artifacts=("--artifacts-destination", f"s3://{BUCKET}/handed-out"),
        environment=store.environment,
    )
    try:
        server.start()
        registered(server, run, tmp_path)
        assert store.holds("handed-out/")
        assert_pulled(server, run, tmp_path / "m")
    finally:
        server.stop()


def test_files_that_lie_there_are_fetched_by_who_has_a_key(
    run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says where; where it refuses or nobody is there, it is said what to check."""
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    server = Server(
        tmp_path,
        artifacts=("--default-artifact-root", f"s3://{BUCKET}/direct", "--no-serve-artifacts"),
    )
    try:
        server.start()
        registered(server, run, tmp_path)
        assert store.holds("direct/")
        assert_pulled(server, run, tmp_path / "m")
        store.bucket.objects.delete()
        store.bucket.delete()
        assert_refused(server, tmp_path / "none", reason="NoSuchBucket")
        store.listener.stop()
        assert_refused(server, tmp_path / "none", reason="EndpointConnectionError")
        with (
            pytest.raises(ModelSourceUnavailable, match="The store that keeps the files"),
            tracked_run(server.uri, tmp_path / "unused") as tracked,
        ):
            tracked.log_directory(run.trained.directory)
    finally:
        server.stop()


def assert_refused(server: Server, target: Path, *, reason: str) -> None:
    """See that a pull says why in a sentence, names neither store nor key, and leaves nothing."""
    with pytest.raises(ModelSourceUnavailable, match="The store that keeps the files") as refused:
        pull("models:/spiraconv/1", tracking_uri=server.uri, target_directory=target)
    assert refused.value.details["reason"] == reason
    said = f"{refused.value} {refused.value.details}"
    assert not any(word in said for word in (KEY, SECRET, BUCKET))
    assert not target.exists()
