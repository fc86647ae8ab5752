"""Argon2id: its cost, how many at once, and that an unknown user costs the same."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from appliance.adapters.argon2_passwords import N_AT_ONCE, Argon2Passwords


def quick(*, n_passes: int = 1, memory_kib: int = 8) -> Argon2Passwords:
    """Return a hasher at the least cost there is."""
    return Argon2Passwords(n_passes=n_passes, memory_kib=memory_kib)


@dataclass
class Doorkeeper:
    """Lets so many in at once, and counts the most that were inside together."""

    slots: threading.BoundedSemaphore
    n_inside: int = 0
    n_most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> None:
        """Let one more in."""
        self.slots.acquire()
        with self.lock:
            self.n_inside += 1
            self.n_most = max(self.n_most, self.n_inside)

    def __exit__(self, *_: object) -> None:
        """Let one out."""
        with self.lock:
            self.n_inside -= 1
        self.slots.release()


def seconds(call: Callable[[], object]) -> float:
    """Return the median time of a call, in CPU seconds of this thread."""
    times = []
    for _ in range(7):
        began = time.thread_time()
        call()
        times.append(time.thread_time() - began)
    return statistics.median(times)


def test_the_default_cost_is_the_one_decided() -> None:
    """Argon2id with t=3, 64 MiB, p=1, 16 bytes of salt, 32 of tag (API.md §5)."""
    kind, version, cost, salt, tag = Argon2Passwords().hash("password").split("$")[1:]

    assert (kind, version, cost) == ("argon2id", "v=19", "m=65536,t=3,p=1")
    assert (len(salt), len(tag)) == (22, 43)  # base64 without padding of 16 and 32 bytes


def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    """The time of an answer does not tell which names exist, from the very first attempt."""
    hasher = quick(memory_kib=16_384)
    known = hasher.hash("password")

    first_unknown = time.thread_time()
    hasher.verify(None, "password")
    first_unknown = time.thread_time() - first_unknown
    wrong = seconds(lambda: hasher.verify(known, "wrong"))
    unknown = seconds(lambda: hasher.verify(None, "wrong"))
    damaged = seconds(lambda: hasher.verify("damaged", "wrong"))

    assert 0.3 < unknown / wrong < 3.0
    assert 0.3 < damaged / wrong < 3.0
    assert 0.3 < first_unknown / wrong < 4.0


def test_two_run_at_a_time() -> None:
    """A flood of sign-ins takes the memory of two hashes, not of all."""
    door = Doorkeeper(threading.BoundedSemaphore(N_AT_ONCE))
    hasher = Argon2Passwords(n_passes=1, memory_kib=4096, slots=door)
    encoded = hasher.hash("password")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(hasher.hash, ["password"] * 8))) == 8
        n_most_hashing, door.n_most = door.n_most, 0
        fits = pool.map(hasher.verify, [encoded, None] * 8, ["password"] * 16)
        assert list(fits) == [True, False] * 8

    assert n_most_hashing == door.n_most == N_AT_ONCE == 2


def test_a_damaged_hash_is_logged_without_telling_whose(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """IT sees that a row is damaged; neither hash nor password appears."""
    with caplog.at_level(logging.ERROR):
        quick().verify("damaged hash", "the password")

    assert [record.getMessage() for record in caplog.records] == ["password-hash-damaged"]
