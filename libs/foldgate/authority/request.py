"""Requests for runs: the one spelling of a JSON text, and the hash that tells a repeat from a conflict."""

import hashlib

import msgspec

from foldgate.contracts.events import RunRequested


def canonical(text: str | bytes) -> str:
    """The one spelling of a JSON text; ValueError if it is none."""
    try:
        return msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def request_hash(request: RunRequested) -> bytes:
    """What makes two requests the same: workflow, version, input, labels, what a run of one step would do, and which
    run is run again from where. What that takes over was settled when it ended."""
    same: list[object] = [request.workflow, request.version, request.kind, request.topic]
    same += [canonical(request.input), request.labels]
    if request.rerun is not None:
        same += [request.rerun.run_id, request.rerun.from_step]
    return hashlib.sha256(msgspec.json.encode(same, order="deterministic")).digest()
