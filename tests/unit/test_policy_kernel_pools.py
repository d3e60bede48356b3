"""In which pool a job is authorised, or that none takes it."""

from foldgate.contracts.events import (
    ApprovalRequired,
    JobCancelRequested,
    JobDenied,
    JobRefused,
    JobRequested,
    WritIssued,
)
from tests.support.kernel import Kernel, job
from tests.support.layouts import TWO, closed, layout, published, take

ECHO = layout([{"name": "web"}], ("job.echo", ["web"]))


def kernel(*rules: dict[str, object]) -> Kernel:
    subject = Kernel(*rules or ({"decision": "allow"},))
    take(subject.pools, published(ECHO, number=4))
    return subject


def test_a_writ_has_the_pool_of_its_topic_and_the_change_that_was_known() -> None:
    [said] = kernel().said(JobRequested(job=job()))
    assert isinstance(said.event, WritIssued)
    assert (said.event.writ.pool, said.pool, said.event.writ.pools_number) == ("web", "web", 4)
    assert said.event.decision is not None
    assert said.event.decision.trace[-1] == "pool web: the first open one of route 1"


def test_a_topic_that_no_pool_takes_is_refused_at_once_and_once() -> None:
    subject = kernel()
    [refused] = subject.ask(topic="job.other")
    assert isinstance(refused, JobRefused)
    assert (refused.code, refused.pools_number, refused.step) == ("no_pool", 4, "job")
    assert refused.reason == "Expected a route for the topic 'job.other', but no pool takes it."
    assert subject.ask(topic="job.other") == []
    called = JobCancelRequested(job_id=refused.job_id, step="job", ending="cancelled", reason="r", until=9)
    assert subject.when(called) == [], "there is no writ to take back"


def test_nobody_is_asked_about_a_job_that_no_pool_takes() -> None:
    subject = kernel({"decision": "require_approval"})
    [refused] = subject.ask(topic="job.other")
    assert isinstance(refused, JobRefused)


def test_what_is_denied_is_denied_whatever_pools_there_are() -> None:
    [denied] = kernel({"decision": "deny"}).ask(topic="job.other")
    assert isinstance(denied, JobDenied)


def test_what_people_allowed_is_refused_where_no_pool_takes_it_any_more() -> None:
    subject = kernel({"decision": "require_approval"})
    [asked] = subject.ask()
    assert isinstance(asked, ApprovalRequired)
    take(subject.pools, published(layout([{"name": "web"}]), number=5))
    refused = subject.grant(asked, "bob")[-1]
    assert isinstance(refused, JobRefused)


def test_the_next_attempt_goes_where_pools_lead_now() -> None:
    subject = Kernel({"decision": "allow"})
    take(subject.pools, published(TWO))
    [first] = subject.ask()
    take(subject.pools, closed("sre", 2))
    [second] = subject.ask(2)
    assert isinstance(first, WritIssued)
    assert isinstance(second, WritIssued)
    assert [first.writ.pool, second.writ.pool] == ["sre", "default"]
    assert [first.writ.pools_number, second.writ.pools_number] == [1, 2]
