"""Rows of the timeline, read again: the event that was written, but for its bytes."""

import msgspec
import pytest

from foldgate.contracts.events import Event, JobDenied, RunStarted, Signature, WritIssued
from foldgate.gateway.projections.timeline import body, event_of
from tests.support.pool_words import issued

ISSUED = issued(1)
SIGNED = msgspec.structs.replace(ISSUED.writ, job_hash=b"12345", signature=Signature(key_id="k", certificate=b"abc"))
EVENTS: list[Event] = [
    RunStarted(workflow="w", kind="job", input="{}", request_hash=b"123"),
    WritIssued(job=ISSUED.job, writ=SIGNED, decision=ISSUED.decision),
    JobDenied(job_id="run_1:a@1", step="a", rule="r", reason="no", policy_snapshot="s"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_is_shown_can_be_read_again(event: Event) -> None:
    again = event_of(type(event), body("runs", event))
    assert type(again) is type(event)
    assert body("runs", again) == body("runs", event_of(type(event), body("runs", again)))
    for name in type(event).__struct_fields__:
        if name not in ("request_hash", "writ"):
            assert getattr(again, name) == getattr(event, name)


def test_bytes_are_left_empty() -> None:
    again = event_of(WritIssued, body("decisions", EVENTS[1]))
    assert isinstance(again, WritIssued)
    assert (again.writ.job_hash, again.writ.signature) == (b"", Signature(key_id="k", certificate=b"", value=b""))
    assert (again.writ.writ_id, again.writ.pool) == (SIGNED.writ_id, SIGNED.pool)
