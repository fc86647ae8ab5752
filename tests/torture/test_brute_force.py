"""Guessing at passwords leads nowhere, and keeps nobody out (S4, S5)."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Final

import pytest

from tests.system.boxes import Box
from tests.torture.guessing import PASSWORD, Guess, Stranger, add_users, guess_all, n_counted
from tests.torture.trial import Trial

MAX_REACH_THE_HASH: Final = 100
WARD: Final = 60
WARD_WITHIN_S: Final = 300.0
MAX_APART: Final = 0.05


def test_guesses_hardly_reach_the_hash(trial: Trial, box: Box) -> None:
    """Few guesses at an account are even looked at, also after a crash; its nurse signs in."""
    n_guesses = trial.amount(short=750, long=10_000)
    victims = {n_addresses: f"nurse-{n_addresses}" for n_addresses in (1, 50)}
    box.stop()
    add_users(box, [*victims.values(), *ward()])
    box.start()
    at_home = Stranger(box, "127.0.0.200")
    for victim in victims.values():
        assert at_home.sign_in(victim, PASSWORD).status_code == 200
    for n_addresses, victim in victims.items():
        strangers = [Stranger(box, f"127.0.{n_addresses}.{n + 1}") for n in range(n_addresses)]
        chance = trial.random("guesses", n_addresses)
        guesses = made_up(chance, victim, strangers, n_guesses)
        n_reached, ward_took_s = attack(box, victim, guesses, at_home)
        trial.sum_up(
            f"brute force: {n_guesses:,} guesses at one account from {n_addresses} addresses, one"
            f" crash midway: {n_reached} reached the hash (at most {MAX_REACH_THE_HASH}), the rest"
            f" 429; meanwhile {WARD} of {WARD} of a ward signed in within {ward_took_s:.0f} s (at"
            f" most {WARD_WITHIN_S:.0f}), and so did the nurse of that account from her tablet"
        )


def attack(box: Box, victim: str, guesses: list[Guess], at_home: Stranger) -> tuple[int, float]:
    """Guess, crash, guess on while a ward signs in; return what reached the hash, and the time."""
    half = len(guesses) // 2
    before = guess_all(guesses[:half])
    counted = n_counted(box, victim)
    assert before[401] <= counted <= MAX_REACH_THE_HASH, "the box counts what it lets through"
    box.stop(signal.SIGKILL)
    box.start()
    assert n_counted(box, victim) == counted, "counts survive"
    arrived: list[int] = []
    shift = threading.Thread(target=lambda: arrived.extend(sign_in_ward(box)))
    began_s = time.monotonic()
    shift.start()
    answers = before + guess_all(guesses[half:])
    counted = n_counted(box, victim)
    assert at_home.sign_in(victim, PASSWORD).status_code == 200, "her own tablet is kept out"
    shift.join()
    took_s = time.monotonic() - began_s
    assert set(answers) == {401, 429}, answers
    assert sum(answers.values()) == len(guesses)
    assert answers[401] <= counted <= MAX_REACH_THE_HASH
    assert arrived == [200] * WARD, Counter(arrived)
    assert took_s <= WARD_WITHIN_S
    return answers[401], took_s


def ward() -> list[str]:
    """Return the names of a ward."""
    return [f"ward-{n:02}" for n in range(WARD)]


def sign_in_ward(box: Box) -> list[int]:
    """Sign a whole ward in from one address, as tablets behind one access point do."""
    door = Stranger(box, "127.0.0.100")
    with ThreadPoolExecutor(3) as threads:
        return list(threads.map(lambda name: door.sign_in(name, PASSWORD).status_code, ward()))


def made_up(
    chance: random.Random, victim: str, strangers: list[Stranger], n_guesses: int
) -> list[Guess]:
    """Return guesses at one account in every spelling, each claiming to come from elsewhere."""
    spellings = (victim, f" {victim}\t", victim.upper(), victim.replace("s", "\u017f"))
    return [
        Guess(
            stranger=strangers[n % len(strangers)],
            name=chance.choice(spellings),
            password=f"guess {chance.getrandbits(64):x}",
            forwarded=f"10.{chance.randrange(256)}.{chance.randrange(256)}.{n % 256}",
        )
        for n in range(n_guesses)
    ]


@pytest.mark.alone
def test_nobody_learns_who_has_an_account(trial: Trial, box: Box) -> None:
    """Wrong password, unknown and disabled user: one answer, and one time."""
    known = [f"known-{n:02}" for n in range(trial.amount(short=20, long=60))]
    box.stop()
    add_users(box, known)
    add_users(box, ["disabled"], active=False)
    box.start()
    somebody = Stranger(box, "127.0.0.250")
    told = [somebody.sign_in(name, "wrong") for name in (known[0], "unknown", "disabled")]
    assert {answer.status_code for answer in told} == {401}
    assert len({answer.content for answer in told}) == 1
    assert len({tuple(sorted(headers_of(answer.headers))) for answer in told}) == 1

    n_timings = trial.amount(short=60, long=1_000)
    took_s: dict[str, list[float]] = {"known": [], "unknown": []}
    apart = 1.0
    for block in range(4):  # a machine with other work may need more of them than one
        time_block(trial.random("timing", block), box, block, known, n_timings, took_s)
        apart = abs(median(took_s["known"]) / median(took_s["unknown"]) - 1)
        if apart <= MAX_APART:
            break
    assert apart <= MAX_APART, {kind: median(times) for kind, times in took_s.items()}
    trial.sum_up(
        f"user names: {len(took_s['known']) * 2:,} timings, medians"
        f" {median(took_s['known']) * 1e3:.1f} ms known, {median(took_s['unknown']) * 1e3:.1f} ms"
        f" unknown: {apart:.1%} apart (at most {MAX_APART:.0%}); wrong, unknown, disabled: one body"
    )


def headers_of(headers: object) -> list[tuple[str, str]]:
    """Return the headers that do not tell the time."""
    return [pair for pair in dict(headers).items() if pair[0] != "date"]  # type: ignore[call-overload]


def time_block(
    chance: random.Random,
    box: Box,
    block: int,
    known: list[str],
    n_timings: int,
    took_s: dict[str, list[float]],
) -> None:
    """Time wrong passwords of known and unknown users in turn; no budget is used up."""
    n_pairs = n_timings // 2
    for n in range(n_pairs):
        # Ten pairs an address, so that neither address nor pair is ever throttled.
        address = f"127.{block + 1}.{n // 10 // 250}.{n // 10 % 250 + 1}"
        visitor = Stranger(box, address)
        name = known[(block * n_pairs + n) % len(known)]
        pairs = [("known", name), ("unknown", f"nobody-{chance.getrandbits(40):x}"[: len(name)])]
        chance.shuffle(pairs)
        visitor.http.get(f"{box.address}/health/live")  # connected, so that nobody pays for that
        for kind, asked in pairs:
            began_s = time.perf_counter()
            answer = visitor.sign_in(asked, "wrong password")
            took_s[kind].append(time.perf_counter() - began_s)
            assert answer.status_code == 401, answer.text
        visitor.http.close()
