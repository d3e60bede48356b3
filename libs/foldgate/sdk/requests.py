"""What can be asked of a suite, as values: each with its ids, not sent yet, so that its verdict can be waited for."""

import secrets
from typing import Any

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    RunCancelRequested,
    RunPauseRequested,
    RunRequested,
    RunResumeRequested,
    SignalSent,
    WorkflowRetireRequested,
    WorkflowSubmitted,
)
from foldgate.contracts.topics import ADMIN, INTAKE, RUNS, WORKFLOWS, Stream


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Goes to an open stream under a key; the owner of `answered_on` answers under the same key."""

    stream: str
    key: str
    answered_on: str
    request_id: str
    run_id: str = ""
    event: Event


class Prepared(Request, frozen=True, kw_only=True):
    """A request for a run: the one that `run_id` names."""

    event: RunRequested


def a_run(tenant: str, event: RunRequested, *, request_id: str = "") -> Prepared:
    """A request for a run. The same idempotency key means the same run."""
    request_id = request_id or new_id()
    run_id = ids.run_id(tenant, event.workflow, event.idempotency_key or request_id)
    return Prepared(
        stream=INTAKE.name, key=run_id, answered_on=RUNS.name, request_id=request_id, run_id=run_id, event=event
    )


def a_publication(tenant: str, source: str | bytes, *, request_id: str = "") -> Request:
    """A request to publish this document; raises WorkflowInvalid, with every mistake in it, if it is no workflow."""
    from foldgate.language.publish import prepare  # the whole language: who publishes nothing does without it

    workflow = prepare(source).workflow
    text = source if isinstance(source, str) else source.decode()
    return _of_workflow(tenant, WorkflowSubmitted(workflow=workflow, source=text), request_id)


def a_retirement(tenant: str, workflow: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a workflow starts no new runs."""
    return _of_workflow(tenant, WorkflowRetireRequested(workflow=workflow, reason=reason), request_id)


def a_cancel(run_id: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request for the end of a run."""
    return _of_run(run_id, RunCancelRequested(reason=reason), request_id)


def a_pause(run_id: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a run begins nothing new for now."""
    return _of_run(run_id, RunPauseRequested(reason=reason), request_id)


def a_resume(run_id: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a paused run goes on."""
    return _of_run(run_id, RunResumeRequested(reason=reason), request_id)


def a_signal(run_id: str, name: str, payload: Any = None, *, request_id: str = "") -> Request:
    """A signal to a run. The same request id means the same signal, however often it is sent."""
    return _of_run(run_id, SignalSent(name=name, payload=json_text(payload)), request_id)


def json_text(value: Any) -> str:
    """A value as JSON."""
    return msgspec.json.encode(value).decode()


def _of_run(run_id: str, event: Event, request_id: str) -> Request:
    return _asked(INTAKE, RUNS, key=run_id, event=event, request_id=request_id, run_id=run_id)


def _of_workflow(tenant: str, event: WorkflowSubmitted | WorkflowRetireRequested, request_id: str) -> Request:
    key = ids.workflow_key(tenant, event.workflow)
    return _asked(ADMIN, WORKFLOWS, key=key, event=event, request_id=request_id)


def _asked(to: Stream, by: Stream, *, key: str, event: Event, request_id: str, run_id: str = "") -> Request:
    return Request(
        stream=to.name,
        key=key,
        answered_on=by.name,
        request_id=request_id or new_id(),
        run_id=run_id,
        event=event,
    )


def new_id() -> str:
    """An id for a request that has none."""
    return secrets.token_hex(12)
