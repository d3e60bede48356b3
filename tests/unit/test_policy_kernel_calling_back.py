"""A job that is called back, whatever was said of it before: once and for all, it gets no writ afterwards."""

from collections.abc import Callable
from typing import Any

import pytest

from foldgate.contracts.events import (
    ApprovalGranted,
    ApprovalRequired,
    CaseClosed,
    Event,
    JobCancelRequested,
    JobRequested,
    RunCancelled,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import Tick
from tests.support.kernel import RUN, Kernel, job

ASK = {"decision": "require_approval", "phase": "dispatch"}
STOP = {"decision": "throttle", "phase": "dispatch", "throttle": {"delay": "1s", "max_times": 1}}
DENY = {"decision": "deny", "phase": "dispatch"}
NO_RUN = {"decision": "deny", "phase": "submit"}
LATE = 10**6


def back() -> JobCancelRequested:
    return JobCancelRequested(job_id=job().job_id, step="job", ending="cancelled", reason="why", until=LATE)


def unheard_of() -> Kernel:
    return Kernel({"decision": "allow"})


def begun(*rules: dict[str, Any]) -> Kernel:
    kernel = Kernel(*rules)
    kernel.start()
    kernel.ask()
    return kernel


def granted() -> Kernel:
    """Allowed by people."""
    kernel = Kernel(ASK)
    [asked] = kernel.ask()
    assert isinstance(asked, ApprovalRequired)
    kernel.grant(asked, "bob")
    return kernel


def granted_and_throttled() -> Kernel:
    kernel = Kernel(ASK)
    [asked] = kernel.ask()
    kernel.publish(STOP)
    assert isinstance(asked, ApprovalRequired)
    kernel.grant(asked, "bob")
    return kernel


def asked_again() -> Kernel:
    """Allowed by too few for what is asked now."""
    kernel = Kernel(ASK)
    [asked] = kernel.ask()
    kernel.publish(ASK | {"approval": {"required": 2}})
    assert isinstance(asked, ApprovalRequired)
    kernel.grant(asked, "bob")
    return kernel


def throttled_too_long() -> Kernel:
    kernel = begun(STOP)
    kernel.when(Tick(), at=LATE)
    return kernel


def called_back() -> Kernel:
    kernel = begun({"decision": "allow"})
    kernel.when(back())
    return kernel


REVOKED: list[tuple[Callable[[], Kernel], str]] = [
    (unheard_of, ""),
    (lambda: begun({"decision": "allow"}), "default"),
    (lambda: begun(ASK), ""),
    (lambda: begun(STOP), ""),
    (granted, "default"),
    (granted_and_throttled, ""),
    (asked_again, ""),
]
OVER = [lambda: begun(DENY), lambda: begun(NO_RUN), throttled_too_long, called_back]


def everything_that_could_bring_a_writ(kernel: Kernel) -> list[Event]:
    """Policy allows now, people do, the time has come, and the job is asked for again."""
    asked = None if kernel.state is None else next(iter(kernel.state.asked.values()), None)
    name = asked.approval_id if asked is not None else f"{RUN}:job#0"
    kernel.publish({"decision": "allow"})
    later: list[Event | Tick] = [
        ApprovalGranted(approval_id=name, step="job", by=("bob", "eve")),
        Tick(),
        JobRequested(job=job()),
        back(),
    ]
    return [said for one in later for said in kernel.when(one, at=LATE)]


@pytest.mark.parametrize(("before", "pool"), REVOKED)
def test_what_has_a_writ_or_may_get_one_is_revoked_in_its_pool(before: Callable[[], Kernel], pool: str) -> None:
    kernel = before()
    [said] = kernel.said(back(), at=3000)
    assert said.event == WritRevoked(job_id=job().job_id, step="job", pool=pool, reason="why")
    assert said.pool == pool
    assert everything_that_could_bring_a_writ(kernel) == []


@pytest.mark.parametrize("before", OVER)
def test_what_will_never_have_one_is_left_alone(before: Callable[[], Kernel]) -> None:
    kernel = before()
    assert kernel.when(back(), at=LATE) == []
    assert everything_that_could_bring_a_writ(kernel) == []


def test_the_next_attempt_is_another_matter() -> None:
    [issued] = called_back().ask(2)
    assert isinstance(issued, WritIssued)


@pytest.mark.parametrize("before", [one for one, _ in REVOKED])
def test_the_case_of_a_run_that_ends_while_its_job_is_called_back_is_closed(before: Callable[[], Kernel]) -> None:
    kernel = before()
    kernel.when(back())
    assert kernel.when(RunCancelled(reason="why")) == [CaseClosed(status="cancelled")]
    assert kernel.ended
