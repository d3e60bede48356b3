"""Whether a document becomes a version of a workflow.

A version is immutable: the same content again is confirmed, other content under its name is refused. What is wrong with
a document is said all at once, each mistake on a line. It counts only if somebody vouches for it who may.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from foldgate.authority.keys import SignatureInvalid
from foldgate.authority.requests import OfWorkflow, Vouching
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    Meta,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
    WorkflowRetireRequested,
    WorkflowSubmitted,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside
from foldgate.engine.workflows.evolve import evolve
from foldgate.engine.workflows.state import Workflow
from foldgate.language.problems import WorkflowInvalid
from foldgate.language.publish import Prepared, prepare

Outcome = Iterator[Event | Said]
Asked = OfWorkflow

MAX_NAME = 255
"""Characters of a name: what fits an index and a line."""
MAX_DEFINITION_BYTES = 256 * 1024
MAX_SOURCE_BYTES = 512 * 1024
"""The event that publishes carries both, and an append takes 900 KiB."""
MAX_REASON = 2000
MAX_PROBLEMS, MAX_PROBLEM_CHARACTERS = 100, 500


def workflows(vouching: Vouching) -> Decider[Workflow]:
    """The decider of workflows."""
    return Decider(state=Workflow, decide=partial(_decide, vouching), evolve=evolve, fail=_fail)


def _decide(vouching: Vouching, state: Workflow | None, message: Message) -> Outcome:
    """The one event that answers this message."""
    workflow, asked, meta = state or Workflow(), message.event, message.meta
    if not isinstance(asked, Asked) or meta is None:
        return
    _check_names(asked, meta)
    refused = _of_stranger(vouching, asked, meta, at=message.at)
    if not workflow.has_answered(meta, vouched=refused is None):
        yield Said(refused or _answer(workflow, asked), run_id="", pool="")  # about no run, whatever the request says


def _of_stranger(vouching: Vouching, asked: Asked, meta: Meta, *, at: int) -> WorkflowRefused | None:
    """The refusal of what nobody vouches for who may."""
    try:
        vouching.check(meta, asked, at=at)
    except SignatureInvalid as error:
        return WorkflowRefused(workflow=asked.workflow, code=error.code, reason=str(error))
    return None


def _answer(workflow: Workflow, asked: Asked) -> Event:
    return _submitted(workflow, asked) if isinstance(asked, WorkflowSubmitted) else _retired(workflow, asked)


def _check_names(asked: Asked, meta: Meta) -> None:
    names = {
        "tenant": meta.tenant,
        "principal": meta.principal,
        "request id": meta.request_id,
        "workflow": asked.workflow,
    }
    for what, name in names.items():
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")
    key = ids.workflow_key(meta.tenant, asked.workflow)
    if meta.key != key:
        raise SetAside("key_mismatch", f"Expected the key '{key}' for this tenant and workflow.")


def _submitted(workflow: Workflow, asked: WorkflowSubmitted) -> Event:
    if (size := len(asked.source.encode())) > MAX_SOURCE_BYTES:
        return _too_large(asked, "document", size=size, limit=MAX_SOURCE_BYTES)
    try:
        prepared = prepare(asked.source)
    except WorkflowInvalid as invalid:
        return _invalid(asked, [str(problem) for problem in invalid.problems])
    if (size := len(prepared.canonical.encode())) > MAX_DEFINITION_BYTES:
        return _too_large(asked, "canonical form", size=size, limit=MAX_DEFINITION_BYTES)
    if prepared.workflow != asked.workflow:
        reason = f"Expected a document with the id '{asked.workflow}', but its id is '{prepared.workflow}'."
        return WorkflowRefused(workflow=asked.workflow, code="id_mismatch", reason=reason)
    return _judged(workflow, prepared, asked.source)


def _judged(workflow: Workflow, prepared: Prepared, source: str) -> Event:
    name, version, digest = prepared.workflow, prepared.version, prepared.digest
    known = workflow.versions.get(version, digest)
    if known != digest:
        reason = f"Expected new content under a new version, but version '{version}' is {known} and this is {digest}."
        return WorkflowRefused(workflow=name, code="version_conflict", reason=reason)
    if version in workflow.versions and not workflow.retired:
        return WorkflowConfirmed(workflow=name, version=version, digest=digest)
    return WorkflowPublished(
        workflow=name, version=version, digest=digest, definition=prepared.canonical, source=source
    )


def _retired(workflow: Workflow, asked: WorkflowRetireRequested) -> Event:
    if not workflow.versions:
        reason = f"Expected a published workflow, but there is no '{asked.workflow}'."
        return WorkflowRefused(workflow=asked.workflow, code="unknown_workflow", reason=reason)
    return WorkflowRetired(workflow=asked.workflow, reason=asked.reason[:MAX_REASON])


def _invalid(asked: WorkflowSubmitted, problems: Sequence[str]) -> WorkflowRefused:
    shown = [problem[:MAX_PROBLEM_CHARACTERS] for problem in problems[:MAX_PROBLEMS]]
    reason = f"Expected a workflow without mistakes, but found {len(problems)}, the first: {shown[0]}"
    return WorkflowRefused(workflow=asked.workflow, code="invalid", reason=reason, problems=tuple(shown))


def _too_large(asked: WorkflowSubmitted, what: str, *, size: int, limit: int) -> WorkflowRefused:
    reason = f"Expected a {what} of at most {limit} bytes, but it has {size}."
    return WorkflowRefused(workflow=asked.workflow, code="too_large", reason=reason)


def _fail(_: Workflow | None, message: Message, _reason: str) -> Iterable[Event | Said]:
    """After a fault of ours whoever asked hears of it; the reason is in quarantine."""
    if isinstance(message.event, Asked):
        reason = "Expected to judge this request, but the engine broke on it: quarantine has the reason."
        refused = WorkflowRefused(workflow=message.event.workflow, code="internal_error", reason=reason)
        yield Said(refused, run_id="", pool="")
