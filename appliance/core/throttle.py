"""How long a sign-in must wait after failures: pure arithmetic over stored counts.

Three budgets (API.md §5): the pair (account, place), the place, and the account as a whole. A
place is an enrolled tablet, whatever its address, else an address. One that signed in to the
account before is judged by the pair alone, so that nobody can lock a ward out by guessing from
elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.core.names import folded

FREE_FAILURES_PER_PAIR = 5
FREE_FAILURES_PER_ADDRESS = 30
MAX_FAILURES_PER_ACCOUNT = 60
"""Together with the pairs' own budgets this keeps guesses that reach the hash under 100."""
MAX_WAIT_S = 900.0
FORGET_AFTER_S = 86_400.0
"""Failures of another day count no more, be it a day ahead after the clock was set back."""
CLOCK_SLACK_S = 60.0
"""Attempts at once may be counted out of order; further ahead, the clock was set back."""


class Budget(StrEnum):
    """What a count of failures belongs to."""

    PAIR = "pair"
    ADDRESS = "address"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failures in a row under one key.

    Attributes:
        n_failures: since the last success.
        last_at: when the latest happened.
        known: this key has signed in with success before (pairs only).
    """

    n_failures: int
    last_at: datetime
    known: bool = False


def throttle_keys(username: str, place: str) -> Mapping[Budget, str]:
    """Return the stored key of each budget.

    Keys are digests: what people type into the name field may be a password. Names are folded
    as accounts are found: else each spelling that finds an account (JOÃO for joão) were a budget
    of its own.

    Args:
        username: as typed.
        place: the id of an enrolled tablet, else the peer's address, never a forwarded one.
    """
    account = folded(username.strip())
    texts = {
        Budget.PAIR: f"pair\n{account}\n{place}",
        Budget.ADDRESS: f"address\n{place}",
        Budget.ACCOUNT: f"account\n{account}",
    }
    return {budget: hashlib.sha256(text.encode()).hexdigest() for budget, text in texts.items()}


def wait_s(failures: Mapping[Budget, Failures], *, now: datetime) -> float:
    """Return the seconds until the next attempt may reach the hash; 0.0 means now.

    Once the account's budget is used up, one attempt in `MAX_WAIT_S` passes: nobody can lock an
    account at new addresses for good, and the wait that is told is true. A failure from further
    in the future than `CLOCK_SLACK_S` (the clock was set back) makes nobody wait now, whatever it
    does when its time comes; counting the next one mends it.

    Args:
        failures: what is stored under the keys of this attempt; absent means none.
        now: the present instant.

    Returns:
        At most `MAX_WAIT_S + CLOCK_SLACK_S`.
    """
    pair = failures.get(Budget.PAIR)
    waits = [_doubling_wait_s(pair, FREE_FAILURES_PER_PAIR, now)]
    if pair is None or not pair.known:
        waits.append(_doubling_wait_s(failures.get(Budget.ADDRESS), FREE_FAILURES_PER_ADDRESS, now))
        account = failures.get(Budget.ACCOUNT)
        if account and account.n_failures >= MAX_FAILURES_PER_ACCOUNT:
            waits.append(_remaining_s(account, MAX_WAIT_S, now))
    return max(waits)


def _doubling_wait_s(failures: Failures | None, n_free: int, now: datetime) -> float:
    """Return what is left of a wait that doubles with each failure beyond the free ones."""
    if failures is None or failures.n_failures < n_free:
        return 0.0
    doublings = min(failures.n_failures - n_free, 10)
    return _remaining_s(failures, min(MAX_WAIT_S, 2.0**doublings), now)


def _remaining_s(failures: Failures, whole_s: float, now: datetime) -> float:
    """Return what is left of a wait since the latest failure."""
    elapsed_s = (now - failures.last_at) / timedelta(seconds=1)
    if elapsed_s < -CLOCK_SLACK_S or elapsed_s >= FORGET_AFTER_S:
        return 0.0
    return max(0.0, whole_s - elapsed_s)


def after_admission(
    failures: Mapping[Budget, Failures], budgets: Iterable[Budget], *, at: datetime
) -> Mapping[Budget, Failures]:
    """Return the counts once an attempt was admitted, and so counted as a failure.

    Args:
        failures: what is stored; absent means none.
        budgets: those the attempt counts under.
        at: when.
    """
    counted = {}
    for budget in budgets:
        before = failures.get(budget, Failures(n_failures=0, last_at=at))
        stale = abs(at - before.last_at) / timedelta(seconds=1) >= FORGET_AFTER_S
        n_before = 0 if stale else before.n_failures
        counted[budget] = replace(before, n_failures=n_before + 1, last_at=at)
    return counted


def after_success(
    failures: Mapping[Budget, Failures], budgets: Iterable[Budget], *, at: datetime
) -> Mapping[Budget, Failures]:
    """Return the counts once an admitted attempt turned out right."""
    counted = {}
    for budget in budgets:
        before = failures.get(budget, Failures(n_failures=0, last_at=at))
        n_after = max(0, before.n_failures - 1) if budget is Budget.ADDRESS else 0
        counted[budget] = replace(before, n_failures=n_after, known=budget is Budget.PAIR)
    return counted
