"""The questions of one run, and the votes that were cast on them.

(none) --ApprovalOpened--> open --VoteRecorded--> open      (until enough say yes, or one says no)
                           open --ApprovalGranted, ApprovalRefused--> over
                           open --ApprovalExpired--> over   (nobody answered in time)
                           open --ApprovalClosed---> over   (its step or run has ended otherwise)

QuestionsClosed comes last, with the end of the run. What is over stays over: a step asks once.
"""

import msgspec

from foldgate.decider.decider import Wait

Request = tuple[str, str]
"""Who asked, and the id of the request."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Who may answer and how many must, as they stand in a workflow. Milliseconds under either name."""

    required: int = 1
    exclude_requester: bool = False
    expires_in: int | None = None
    expires_in_ms: int | None = None
    on_expire: str = "denied"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An open question. `votes` are those that say yes, each voter's data, in the order they came; a no ends it."""

    step: str
    kind: str
    terms: Terms
    schema: str
    requester: str
    tenant: str
    opened_at: int
    expires_at: int | None
    votes: dict[str, str] = {}


class Questions(msgspec.Struct, frozen=True):
    """The questions of one run. `requests` are those that were answered last, so that a repeat is one."""

    open: dict[str, Question] = {}
    over: frozenset[str] = frozenset()
    requests: tuple[Request, ...] = ()
    closed: bool = False


def due(questions: Questions) -> int | None:
    """When the next one expires."""
    return min((one.expires_at for one in questions.open.values() if one.expires_at is not None), default=None)


def ended(questions: Questions) -> bool:
    """Whether nothing more will be asked."""
    return questions.closed


def waits(questions: Questions) -> list[Wait]:
    """Each open question waits for people."""
    return [
        Wait(
            one.step,
            f"{one.terms.required - len(one.votes)} of {one.terms.required} votes",
            one.opened_at,
            one.expires_at,
        )
        for one in questions.open.values()
    ]
