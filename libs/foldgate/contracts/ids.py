"""Ids are derived from ids: the same thing has the same id, whoever computes it, however often."""

import hashlib
import re
from typing import NamedTuple

_JOB_ID = re.compile(r"([^:]+):(.+)@([1-9][0-9]{0,8})", re.DOTALL)


class JobName(NamedTuple):
    """The parts of a job id."""

    run_id: str
    step: str
    attempt: int


class MalformedId(ValueError):
    """A text is not an id of the expected kind."""


def digest(*parts: str) -> bytes:
    """SHA-256 over parts that cannot run into one another: each is preceded by its length."""
    hasher = hashlib.sha256()
    for part in parts:
        data = _bytes_of(part)
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.digest()


def run_id(tenant: str, workflow: str, idempotency_key: str) -> str:
    """The run that this key means, for this tenant and workflow."""
    return "run_" + digest("run", tenant, workflow, idempotency_key).hex()[:24]


def retry_key(run: str, step: str) -> str:
    """The idempotency key of the run that tries the dead letters of a run again, from that step on."""
    return f"retry:{run}:{step}"


def child_run_id(run: str, step: str) -> str:
    """The run that a step of another asks for. No idempotency key means the same: nobody can be there before it."""
    return "run_" + digest("child", run, step).hex()[:24]


def job_id(run: str, step: str, attempt: int) -> str:
    """The attempt-th try of a step's job."""
    return f"{run}:{step}@{attempt}"


def parse_job_id(text: str) -> JobName:
    """The parts of a job id; of each job there is one text alone."""
    found = _JOB_ID.fullmatch(text)
    if found is None:
        raise MalformedId(f"Expected a job id such as 'run_1f:step@1', but got '{text[:200]}'.")
    return JobName(found[1], found[2], int(found[3]))


def run_of(job: str) -> str:
    """The run of a job, by its id; nobody looks whether it is one."""
    return job.partition(":")[0]


def workflow_key(tenant: str, workflow: str) -> str:
    """The key of a tenant's workflow: readable, and of each pair there is one text alone."""
    return f"{_escaped(tenant)}/{_escaped(workflow)}"


def writ_id(job: str, snapshot: str) -> str:
    """The writ for one attempt under one snapshot."""
    return "writ_" + digest("writ", job, snapshot).hex()[:24]


def owned_event_id(stream: str, key: str, sequence: int) -> str:
    """An event of an owned stream: its place is its name."""
    return f"{stream}/{key}/{sequence}"


def open_event_id(writer: str, request_id: str) -> str:
    """A submission: who sent it, and that writer's own id for it."""
    return f"{_escaped(writer)}/{request_id}"


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


def _bytes_of(part: str) -> bytes:
    try:
        return part.encode()
    except UnicodeEncodeError:
        raise MalformedId(f"Expected text, but got half a character in {part[:200]!r}.") from None
