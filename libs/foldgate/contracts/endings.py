"""The events that runs end with, and the statuses they give."""

from collections.abc import Mapping

from foldgate.contracts.events import RunCancelled, RunDenied, RunFailed, RunSucceeded, RunTimedOut

RUN_ENDS: Mapping[type, str] = {
    RunSucceeded: "succeeded",
    RunFailed: "failed",
    RunDenied: "denied",
    RunTimedOut: "timed_out",
    RunCancelled: "cancelled",
}
"""A run has one of them, as its last event."""
