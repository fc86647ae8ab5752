"""The box asks nobody for anything: every network call of its processes, traced."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.commands.console import EVERYTHING
from tests.recordings import DEMONSTRATION
from tests.system.boxes import READY_WITHIN_S, SPIRA, Box, wait_until
from tests.torture.trial import Trial, needs

TRACED: Final = "socket,connect,bind,listen,sendto,sendmsg,sendmmsg"
CALL: Final = re.compile(r"^\d+\s+(\w+)\((.*)$")
RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>")
FAMILIES: Final = ("AF_UNIX", "AF_INET")
"""Sockets of files (the queue's bell, systemd), and the one that listens."""

LOOPBACK: Final = re.compile(r'sin_addr=inet_addr\("127\.')


@pytest.fixture(autouse=True)
def tracer() -> None:
    """Tracing needs strace."""
    needs("strace", "strace")


def test_nothing_is_asked_of_anyone(trial: Trial, box: Box, golden: dict[str, bytes]) -> None:
    """Start, sign-in, submission, result, export, doctor, install with golden run, stop."""
    box.stop()
    directory = box.data.parent
    server = directory / "serve.trace"
    box.process = subprocess.Popen(
        traced(server, [str(SPIRA), "serve", "--port", str(box.port), "--data", str(box.data)]),
        stderr=subprocess.DEVNULL,
    )
    wait_until(box.is_ready, 4 * READY_WITHIN_S, "the traced box to be ready")
    for _ in range(trial.amount(short=1, long=20)):
        nurse = box.sign_in("nurse")
        nurse.wait_for_result(nurse.post_2022(golden).json()["inference_id"])
        nurse.http.get(f"{nurse.home}/inferences")
    commands = {
        "doctor": ["doctor"],
        "install": ["models", "install", "--activate", str(DEMONSTRATION)],
        "verify": ["models", "verify"],
        "export": ["export", str(directory / "exported"), *EVERYTHING],
        "list": ["users", "list"],
    }
    for name, words in commands.items():
        trace = directory / f"{name}.trace"
        subprocess.run(
            traced(trace, [str(SPIRA), *words, "--data", str(box.data)]),
            capture_output=True,
            check=name != "doctor",
            timeout=300,
        )
    assert box.stop() == 0
    traces = [server, *(directory / f"{name}.trace" for name in commands)]
    calls = [call for trace in traces for call in calls_of(trace)]
    outbound = [call for call in calls if is_outbound(*call)]
    assert not outbound, outbound[:20]
    listening = [rest for name, rest in calls_of(server) if name == "bind" and "AF_INET" in rest]
    assert len(listening) == 1, "the trace shows where the box listens, so it shows all"
    n_calls = Counter(name for name, _ in calls)
    trial.sum_up(
        f"outbound connections: 0 in {len(calls):,} traced network calls of {len(traces)} processes"
        f" ({n_calls['socket']} sockets, {n_calls['connect']} connects; one socket listens, on"
        " loopback)"
    )


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "import socket; socket.socket(socket.AF_INET6).close()",
        "import socket; socket.create_server(('0.0.0.0', 0))",
    ],
)
def test_the_tracer_sees_who_calls_out(tmp_path: Path, program: str) -> None:
    """A trial that could not fail would prove nothing."""
    trace = tmp_path / "program.trace"
    subprocess.run(traced(trace, [sys.executable, "-c", program]), check=True, timeout=60)
    assert any(is_outbound(*call) for call in calls_of(trace))


def traced(trace: Path, command: list[str]) -> list[str]:
    """Return the command under a tracer that is not its parent, so that signals reach it."""
    return [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-e",
        f"trace={TRACED}",
        "-s",
        "16",
        "-o",
        str(trace),
        *command,
    ]


def calls_of(trace: Path) -> list[tuple[str, str]]:
    """Return every call with its arguments."""
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match is not None:
            found.append((match.group(1), match.group(2)))
        else:
            assert RESUMED.search(line) or "+++" in line or "---" in line, line
    return found


def is_outbound(name: str, rest: str) -> bool:
    """Return whether a call reaches out, or opens what could: another family, another address."""
    if name == "socket":
        return not rest.startswith(tuple(f"{family}," for family in FAMILIES))
    if name == "listen" or ("sa_family=" not in rest and name != "connect"):
        return False  # an answer on a connection that a client made
    if name == "bind" and LOOPBACK.search(rest):
        return False
    return "sa_family=AF_UNIX" not in rest
