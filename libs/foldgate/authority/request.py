"""Requests for runs: the one spelling of a JSON text, and the hash that tells a repeat from a conflict."""

import hashlib

import msgspec

from foldgate.authority.secrets import redacted, redacted_json
from foldgate.contracts.events import RunRequested

TRACE = "traceparent"
"""The label of a run that was started from within a trace: who asked, and not what for."""


def canonical(text: str | bytes) -> str:
    """The one spelling of a JSON text; ValueError if it is none."""
    try:
        return msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def request_hash(request: RunRequested) -> bytes:
    """What makes two requests the same: workflow, version, input, labels but the trace, what a run of one step would
    do, and which run is run again from where; what that takes over was settled when it ended. Known secrets are
    redacted first, as others may have done on the way."""
    labels = {name: text for name, text in request.labels.items() if name != TRACE}
    same: list[object] = [request.workflow, request.version, request.kind, request.topic]
    same += [redacted_json(canonical(request.input), "low"), redacted(labels, "low")]
    if request.rerun is not None:
        same += [request.rerun.run_id, request.rerun.from_step]
    return hashlib.sha256(msgspec.json.encode(same, order="deterministic")).digest()
