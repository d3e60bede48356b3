"""Clocks that differ by a minute: no writ ends before it can be used, and none is refused by who is fast."""

import msgspec
import pytest

from foldgate.authority.active import Policies
from foldgate.authority.lease import sign_lease
from foldgate.authority.pools import Pools
from foldgate.authority.writ import job_hash, sign_writ
from foldgate.contracts.events import JobDispatched, JobRequested, Writ, WritIssued
from foldgate.decider.decider import Tick
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.runtime.settings import SettingsInvalid, from_environment
from foldgate.sdk.believing import CLOCKS_DIFFER_MS, Believing, Refused
from tests.support.given import Given, meta
from tests.support.keys import KERNEL, SCHEDULER, TRUST
from tests.support.pools import beat, job, pool

NOW = 1_000_000_000
POSTGRES = {"FOLDGATE_POSTGRES": "postgresql://localhost/none"}
SHORTEST_MS = 120_000
"""The shortest life of a writ that the settings take."""


def test_a_writ_may_not_be_so_short_that_clocks_end_it() -> None:
    shortest = from_environment({**POSTGRES, "FOLDGATE_WRIT_TTL_MS": str(SHORTEST_MS)})
    assert shortest.writ_ttl_ms == SHORTEST_MS > CLOCKS_DIFFER_MS
    with pytest.raises(SettingsInvalid, match="FOLDGATE_WRIT_TTL_MS"):
        from_environment({**POSTGRES, "FOLDGATE_WRIT_TTL_MS": str(SHORTEST_MS - 1)})


@pytest.mark.parametrize("skew_ms", [-CLOCKS_DIFFER_MS, 0, CLOCKS_DIFFER_MS])
def test_a_writ_lives_when_it_comes_to_a_scheduler_that_is_fast_or_slow(skew_ms: int) -> None:
    """Else it would be asked for again at once, and again, for as long as the job may wait."""
    deciding = decisions(Policies(), Pools(), default_decision="allow", writ_ttl_ms=SHORTEST_MS, signer=KERNEL)
    [issued] = Given(deciding, key="run_1").when(JobRequested(job=job()), at=NOW)
    assert isinstance(issued, WritIssued)
    at_once, later = pool(), pool()
    at_once.when(beat(), at=NOW + skew_ms)
    assert [type(event) for event in at_once.when(issued, at=NOW + skew_ms)] == [JobDispatched]
    later.when(issued, at=NOW + skew_ms)
    assert later.when(Tick(), at=NOW + skew_ms + CLOCKS_DIFFER_MS - 1) == [], "and lives for a minute at the least"


class Fixed:
    """A clock that stands."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> int:
        return self._now_ms


def dispatched(expires_at: int) -> JobDispatched:
    writ = Writ(
        writ_id="w",
        job_id=job().job_id,
        job_hash=job_hash(job()),
        pool="default",
        policy_snapshot="s",
        rule="r",
        issued_at=NOW - 2 * CLOCKS_DIFFER_MS,
        expires_at=expires_at,
    )
    given = JobDispatched(job=job(), writ=sign_writ(KERNEL, writ), worker="w/1", lease=1, lease_ms=3000, beat=1)
    return sign_lease(SCHEDULER, given, at=NOW)


def believing(skew_ms: int) -> Believing:
    found = Believing(TRUST, endpoint="w/1", pool="default", clock=Fixed(NOW + skew_ms))
    found.note_beat(1)
    return found


@pytest.mark.parametrize("skew_ms", [-CLOCKS_DIFFER_MS, 0, CLOCKS_DIFFER_MS])
def test_what_the_scheduler_gave_while_its_writ_lived_no_worker_refuses(skew_ms: int) -> None:
    believing(skew_ms).check(meta("default", at=NOW), dispatched(expires_at=NOW))


def test_what_ended_more_than_a_minute_ago_every_worker_refuses() -> None:
    with pytest.raises(Refused, match="live writ") as refused:
        believing(CLOCKS_DIFFER_MS + 1).check(meta("default", at=NOW), dispatched(expires_at=NOW))
    assert (refused.value.code, refused.value.is_ours) == ("expired", True)


def test_the_time_that_a_writ_names_makes_nothing_milder() -> None:
    """The time that a writ names is the kernel's own word: it makes the check stricter, and never milder."""
    late = dispatched(expires_at=NOW)
    future = sign_writ(KERNEL, msgspec.structs.replace(late.writ, issued_at=NOW + 1))
    with pytest.raises(Refused, match="live writ"):
        believing(0).check(
            meta("default", at=NOW), sign_lease(SCHEDULER, msgspec.structs.replace(late, writ=future), at=NOW)
        )
