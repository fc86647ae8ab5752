"""The serving process, for real: signals, sockets, the lock, systemd, and a failing disk."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from appliance.core.errors import AddressUnavailable, AlreadyServing, NotInitialised
from appliance.one_server import is_served, only_server
from appliance.process import INTERRUPTED, listening_sockets

ROOT = Path(__file__).parents[1]
WITHIN_S = 20.0

# A box reduced to what a process sees of it: the lifespan tells of itself, /fail breaks the disk.
PROGRAM = """
import asyncio, os, sys, threading
from pathlib import Path
from appliance.adapters.systemd_notify import systemd_notifier
from appliance.core.errors import ApplianceError, DatabaseBusy
from appliance.logs import start_logging
from appliance.one_server import only_server
from appliance.process import listening_sockets, serve

failed = threading.Event()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if "refuse" in sys.argv:
            raise DatabaseBusy
        if "refuse-in-a-group" in sys.argv:
            raise ExceptionGroup("the framework's", [ExceptionGroup("its own", [DatabaseBusy()])])
        print("began", flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("ended", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/fail":
        failed.set()
    if scope["path"] == "/slow":
        print("slow", flush=True)
        await asyncio.sleep(1.0)
    if scope["path"] == "/hang":
        print("hang", flush=True)
        await asyncio.sleep(3600)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})

start_logging("info")
notify = systemd_notifier(os.environ, pid=os.getpid())
try:
    with only_server(Path(sys.argv[1])):
        sockets = listening_sockets("127.0.0.1", 0, environment=os.environ, pid=os.getpid())
        serve(app, sockets=sockets, shutdown_s=int(sys.argv[2]), storage_failed=failed,
              notify=notify, watchdog_s=notify.watchdog_s)
except ApplianceError as error:
    print(error.code, flush=True)
    sys.exit(7)
"""


@dataclass
class Running:
    """A serving process, and what it says."""

    process: subprocess.Popen[str]
    port: int
    said: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, word: str) -> None:
        """Wait until it has said a word."""
        assert self.process.stdout is not None
        while word not in self.said:
            line = self.process.stdout.readline()
            assert line, f"ended without saying {word}"
            self.said.append(line.strip())

    def end(self) -> int:
        """Wait for its end; return its status, and keep what else it said."""
        out, _ = self.process.communicate(timeout=WITHIN_S)
        self.said += out.split()
        return self.process.returncode


@contextmanager
def running(
    directory: Path, *arguments: str, shutdown_s: int = 5, environment: dict[str, str] | None = None
) -> Iterator[Running]:
    """Start the program and wait until it serves."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, directory, str(shutdown_s), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        assert process.stderr is not None
        events = (json.loads(line) for line in process.stderr)
        port = next(event["port"] for event in events if event["event"] == "serving")
        yield Running(process=process, port=port)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.system
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_status_0(tmp_path: Path, sig: signal.Signals) -> None:
    """A request under way is answered, the lifespan ends, and systemd sees success."""
    with running(tmp_path) as server:
        answers: list[str] = []
        client = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{server.address}/slow").text)
        )
        client.start()
        server.wait_for("slow")
        server.process.send_signal(sig)

        assert server.end() == 0
        client.join(WITHIN_S)
    assert answers == ["done"]
    assert server.said == ["began", "slow", "ended"]


@pytest.mark.system
def test_a_second_interrupt_leaves_at_once(tmp_path: Path) -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    with running(tmp_path, shutdown_s=60) as server:
        client = threading.Thread(target=_hang, args=(server,))
        client.start()
        server.wait_for("hang")
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)

        assert server.end() == INTERRUPTED
        client.join(WITHIN_S)


def _hang(server: Running) -> None:
    with suppress(httpx.HTTPError):
        httpx.get(f"{server.address}/hang", timeout=WITHIN_S)


@pytest.mark.system
def test_a_request_that_hangs_does_not_hold_the_stop(tmp_path: Path) -> None:
    """After the time for an orderly stop the request is ended, and the stop stays orderly."""
    with running(tmp_path, shutdown_s=1) as server:
        client = threading.Thread(target=_hang, args=(server,))
        client.start()
        server.wait_for("hang")
        began_s = time.monotonic()
        server.process.terminate()

        assert server.end() == 0
        assert time.monotonic() - began_s < 5.0
        client.join(WITHIN_S)
    assert server.said[-1] == "ended"


@pytest.mark.system
def test_a_failed_disk_ends_it_with_a_fault(tmp_path: Path) -> None:
    """Nothing is acknowledged by a process whose disk failed: systemd starts another."""
    with running(tmp_path) as server:
        httpx.get(f"{server.address}/fail")

        assert server.end() == 7
    assert server.said == ["began", "ended", "storage-failed"]


@pytest.mark.system
@pytest.mark.parametrize("how", ["refuse", "refuse-in-a-group"])
def test_a_start_that_fails_says_why(tmp_path: Path, how: str) -> None:
    """The lifespan's own error comes out, not uvicorn's status, nor the framework's wrapping."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path, "1", how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.split()) == (7, ["database-busy"])


@pytest.mark.system
def test_two_servers_never_share_a_directory(tmp_path: Path) -> None:
    """The second is refused, until the first has ended, even by kill -9."""
    with running(tmp_path) as server:
        with pytest.raises(AlreadyServing), only_server(tmp_path):
            pytest.fail("both serve")
        assert is_served(tmp_path)
        server.process.kill()
        server.process.wait()

        assert not is_served(tmp_path)
        with only_server(tmp_path):
            assert is_served(tmp_path)
    with pytest.raises(NotInitialised), only_server(tmp_path / "absent"):
        pytest.fail("nothing to serve")


@pytest.mark.system
def test_no_header_tells_what_serves(tmp_path: Path) -> None:
    """Name and version of the server are nobody's business."""
    with running(tmp_path) as server:
        assert "server" not in httpx.get(f"{server.address}/").headers


@pytest.mark.system
def test_systemd_is_told(tmp_path: Path) -> None:
    """READY when requests are taken, WATCHDOG while the loop turns, STOPPING at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WITHIN_S)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        with running(tmp_path, environment=environment) as server:
            told = [systemd.recv(100)]
            assert httpx.get(f"{server.address}/").text == "done"
            told.append(systemd.recv(100))
            server.process.terminate()
            assert server.end() == 0
            while told[-1] != b"STOPPING=1":
                told.append(systemd.recv(100))

    assert told[0] == b"READY=1"
    assert set(told[1:-1]) == {b"WATCHDOG=1"}


def test_a_taken_address_is_an_expected_error() -> None:
    """The console names host, port and reason; there is no traceback."""
    (first,) = listening_sockets("127.0.0.1", 0, environment={}, pid=7)
    with first, pytest.raises(AddressUnavailable) as caught:
        listening_sockets("127.0.0.1", first.getsockname()[1], environment={}, pid=7)

    assert caught.value.details["errno"] == "EADDRINUSE"


def test_sockets_of_another_process_are_not_taken() -> None:
    """LISTEN_FDS counts only where LISTEN_PID is ours."""
    (own,) = listening_sockets(
        "127.0.0.1", 0, environment={"LISTEN_PID": "8", "LISTEN_FDS": "1"}, pid=7
    )
    with own:
        assert own.getsockname()[0] == "127.0.0.1"
        assert own.fileno() != 3


ACTIVATED = """
import os, socket, sys
from appliance.process import listening_sockets
os.dup2(int(sys.argv[1]), 3)
own = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
(given,) = listening_sockets("192.0.2.1", 1, environment=own, pid=os.getpid())
print(given.getsockname()[1])
"""


def test_the_sockets_systemd_opened_are_served() -> None:
    """Port 443 comes from a socket unit; host and port do not matter then."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        done = subprocess.run(
            [sys.executable, "-c", ACTIVATED, str(opened.fileno())],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            pass_fds=[opened.fileno()],
        )
        assert int(done.stdout) == opened.getsockname()[1]
