"""The table of definitions: what it takes in, and when it may lack something."""

import pytest

from foldgate.contracts.events import (
    ChildRequested,
    Event,
    RunRequested,
    SignalSent,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRetired,
)
from foldgate.engine.workflows.published import Published
from foldgate.language.publish import prepare
from tests.support.given import meta

KEY = "acme/triage"
PREPARED = prepare("id: triage\nversion: 1\nsteps:\n  ask: {type: job, topic: job.ask}\n")
PUBLISHED = WorkflowPublished(
    workflow="triage", version="1", digest=PREPARED.digest, definition=PREPARED.canonical, source=""
)


def table(*events: Event) -> Published:
    published = Published()
    for event in events:
        published.add(meta(KEY), event)
    return published


def asked(workflow: str = "triage", *, version: str = "", offset: int = 0) -> RunRequested:
    return RunRequested(workflow=workflow, version=version, workflows_offset=offset)


def child(digest: str) -> ChildRequested:
    return ChildRequested(step="s", child_run="c", workflow="triage", version="1", digest=digest, input="{}")


def test_what_is_published_is_there_until_it_is_retired_and_by_its_digest_for_ever() -> None:
    published = table(PUBLISHED, WorkflowConfirmed(workflow="triage", version="1", digest=PREPARED.digest))
    latest = published.definitions.latest("acme", "triage")
    assert latest is not None
    assert latest.digest == PREPARED.digest
    published.add(meta(KEY), WorkflowRetired(workflow="triage"))
    assert published.definitions.latest("acme", "triage") is None
    assert published.definitions.by_digest(PREPARED.digest) is latest


@pytest.mark.parametrize(
    ("event", "lacks"),
    [
        (asked(), False),
        (asked(offset=7), False),
        (asked(offset=8), True),
        (asked(version="1"), False),
        (asked(version=PREPARED.digest), False),
        (asked(version="2"), True),
        (asked("other"), True),
        (asked("job"), False),
        (asked("job", offset=8), False),
        (child(PREPARED.digest), False),
        (child("other"), True),
        (SignalSent(name="go"), False),
    ],
)
def test_it_may_lack_what_a_message_names_and_it_has_not(event: Event, *, lacks: bool) -> None:
    assert table(PUBLISHED).lacks(meta(KEY), event, reached=7) == lacks


def test_a_retired_workflow_may_have_been_published_again() -> None:
    assert table(PUBLISHED, WorkflowRetired(workflow="triage")).lacks(meta(KEY), asked(), reached=7)


def test_another_tenants_workflow_is_not_ones_own() -> None:
    assert table(PUBLISHED).lacks(meta("other/triage", tenant="other"), asked(), reached=7)
