"""People vote in any order, twice, late, under others' names and on what is asked no longer, while terms change: what
comes of it is what the terms say, and of each person one vote counts.

What is expected is counted here on its own, from nothing but who said what. A failure shows its seed.
"""

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from foldgate.approval.approvals.decide import approvals
from foldgate.approval.approvals.state import Questions
from foldgate.approval.approvals.voters import Voters
from foldgate.authority.keys import Signer
from foldgate.authority.requests import sign_request
from foldgate.authority.terms import Quorum, Terms
from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequired,
    Decision,
    Event,
    Job,
    Meta,
    VoteCast,
    VoteRecorded,
    VoteRefused,
)
from foldgate.decider.decider import Tick
from tests.support.given import Given, meta
from tests.support.keys import ISSUER, STRANGER, TRUST
from tests.support.thorough import daily

RUN = "run_1"
ASKED = f"{RUN}:apply#aa"
PEOPLE = {"ada": ("sre",), "bob": ("sre", "law"), "eve": ("law",), "kim": (), "lou": ("sre",), "max": ("ops",)}
REQUESTER = "ada"
JOB = Job(
    job_id=f"{RUN}:apply@1",
    step="apply",
    attempt=1,
    kind="job",
    topic="t",
    input="1",
    tenant="acme",
    principal=REQUESTER,
    workflow="w",
)
DECIDER = approvals(Voters(TRUST))
SEEDS = range(daily(150, thorough=5000))


class Sent(NamedTuple):
    """A vote as it lies on the log: it may be read again, whoever put it there."""

    meta: Meta
    cast: VoteCast
    honest: bool


class Expected:
    """What must come of it. `said` has of each person the first vote that counts, and of whom it is."""

    def __init__(self) -> None:
        self.terms: Terms | None = None
        self.said: dict[str, bool] = {}
        self.status = "none"
        self.until: int | None = None

    def asked(self, terms: Terms, at: int) -> None:
        if self.status in ("refused", "expired") or terms == self.terms:
            return
        self.terms = terms
        self.until = None if terms.expires_in_ms is None else at + terms.expires_in_ms
        self.said = {name: yes for name, yes in self.said.items() if self.may(name)}
        self.status = self.counted()

    def voted(self, name: str, yes: bool, at: int) -> bool:
        late = self.until is not None and at >= self.until
        if self.status != "open" or late or name in self.said or not self.may(name):
            return False
        self.said[name] = yes
        self.status = self.counted()
        return True

    def passed(self, at: int) -> None:
        if self.status == "open" and self.until is not None and at >= self.until:
            self.status = "expired"

    def may(self, name: str) -> bool:
        assert self.terms is not None
        if self.terms.exclude_requester and name == REQUESTER:
            return False
        return any(not quorum.roles or set(quorum.roles) & set(PEOPLE[name]) for quorum in self.terms.quorums)

    def counted(self) -> str:
        assert self.terms is not None
        reached = []
        for quorum in self.terms.quorums:
            theirs = [
                yes for name, yes in self.said.items() if not quorum.roles or set(quorum.roles) & set(PEOPLE[name])
            ]
            yeses, noes = theirs.count(True), theirs.count(False)
            if noes and (not self.terms.majority or (noes >= quorum.required and noes >= yeses)):
                return "refused"
            reached.append(yeses >= quorum.required)
        return "granted" if all(reached) else "open"


class Crowd:
    """One question of policy, those who vote on it, and those who would like to."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.subject: Given[Questions] = Given(DECIDER, key=RUN)
        self.expected = Expected()
        self.at = 1000
        self.sent: list[Sent] = []
        self.numbers = itertools.count()
        self.events: list[Event] = []

    def play(self) -> None:
        self.ask()
        for _ in range(self.chance.randrange(25)):
            act = self.chance.choices((self.vote, self.forge, self.repeat, self.ask, self.wait), (8, 3, 4, 2, 1))[0]
            act()
            self.check()

    def ask(self) -> None:
        terms = self.expected.terms if self.expected.terms and self.chance.random() < 0.3 else self.some_terms()
        self.expected.asked(terms, self.at)
        self.tell(self.subject.when(asked(terms, self.chance.randrange(3)), at=self.at))

    def vote(self) -> None:
        name, yes = self.chance.choice(list(PEOPLE)), self.chance.random() < 0.75
        stale = self.chance.random() < 0.1
        cast = VoteCast(approval_id=ASKED, approve=yes, roles=PEOPLE[name], binding="before" if stale else "")
        one = self.signed(name, cast, ISSUER, honest=not stale)
        self.send(one)

    def forge(self) -> None:
        """A stranger votes under somebody's name, with all roles there are."""
        cast = VoteCast(approval_id=ASKED, approve=self.chance.random() < 0.5, roles=("sre", "law", "ops"))
        signer = self.chance.choice((None, STRANGER))
        self.send(self.signed(self.chance.choice(list(PEOPLE)), cast, signer, honest=False))

    def repeat(self) -> None:
        """Something is read again, or somebody sends it again as another's, or says the opposite in it."""
        if not self.sent:
            return
        one = self.chance.choice(self.sent)
        change = self.chance.randrange(3)
        if change == 1:
            other = msgspec.structs.replace(one.meta, principal=self.chance.choice(list(PEOPLE)))
            one = Sent(other, one.cast, honest=one.honest and other == one.meta)
        elif change == 2:
            one = Sent(one.meta, msgspec.structs.replace(one.cast, approve=not one.cast.approve), honest=False)
        self.send(one, again=True)

    def wait(self) -> None:
        self.at += self.chance.randrange(60)
        self.expected.passed(self.at)
        if (due := DECIDER.due(self.subject.state or Questions())) is not None and due <= self.at:
            self.tell(self.subject.when(Tick(), at=self.at))

    def signed(self, name: str, cast: VoteCast, signer: Signer | None, *, honest: bool) -> Sent:
        theirs = self.at + self.chance.randrange(-60_000, 60_000)
        about = meta(RUN, principal=name, request_id=f"r{next(self.numbers)}", at=theirs)
        return Sent(about, cast if signer is None else sign_request(signer, about, cast), honest)

    def send(self, one: Sent, *, again: bool = False) -> None:
        name, before = one.meta.principal, self.subject.state
        assert before is not None
        counts = one.honest and not self.answered(one) and self.expected.voted(name, one.cast.approve, self.at)
        said = self.subject.when(one.cast, at=self.at, principal=name, request_id=one.meta.request_id)
        assert [type(event) for event in said[:1]] in ([VoteRecorded if counts else VoteRefused], [] if again else None)
        assert counts or not any(isinstance(event, VoteRecorded) for event in said)
        self.tell(said)
        if not again:
            self.sent.append(one)

    def answered(self, one: Sent) -> bool:
        """Whether it was read before, as it is: the same request of the same person."""
        return any(one.meta.request_id == other.meta.request_id and other.honest for other in self.sent)

    def tell(self, said: list[Event]) -> None:
        self.events += said

    def check(self) -> None:
        """What is, is what must be."""
        state, expected = self.subject.state, self.expected
        assert state is not None
        kept = state.open.get(ASKED) or state.granted.get(ASKED)
        status = "open" if ASKED in state.open else "granted" if ASKED in state.granted else self.last()
        assert status == expected.status
        if kept is not None:
            assert {vote.voter: vote.approve for vote in kept.votes} == expected.said
            assert len(kept.votes) == len({vote.voter for vote in kept.votes})
        for event in self.events:
            if isinstance(event, ApprovalGranted):
                assert expected.status in ("granted", "open", "refused", "expired")
                assert len(set(event.by)) == len(event.by)
        if expected.status == "granted":
            self.check_grant(self.granted())

    def granted(self) -> ApprovalGranted:
        return [event for event in self.events if isinstance(event, ApprovalGranted)][-1]

    def check_grant(self, last: ApprovalGranted) -> None:
        """It holds on the terms as they are now, whatever they were."""
        terms = self.expected.terms
        assert terms is not None
        for quorum in terms.quorums:
            theirs = [name for name in last.by if not quorum.roles or set(quorum.roles) & set(PEOPLE[name])]
            assert len(theirs) >= quorum.required
        assert not (terms.exclude_requester and REQUESTER in last.by)

    def last(self) -> str:
        ends = {ApprovalRefused: "refused", ApprovalExpired: "expired", ApprovalGranted: "granted"}
        first = [ends[type(event)] for event in self.events if isinstance(event, ApprovalExpired | ApprovalRefused)]
        return first[0]

    def some_terms(self) -> Terms:
        some = self.chance
        also = (Quorum(required=1, roles=(some.choice(("law", "ops")),)),) if some.random() < 0.3 else ()
        return Terms(
            required=some.randrange(1, 4),
            roles=tuple(some.sample(("sre", "law"), some.randrange(3))) if some.random() < 0.5 else (),
            also=also,
            majority=some.random() < 0.4,
            exclude_requester=some.random() < 0.5,
            expires_in_ms=some.choice((None, None, 40, 200)),
        )


def asked(terms: Terms, snapshot: int) -> ApprovalRequired:
    return ApprovalRequired(
        approval_id=ASKED,
        step="apply",
        job=JOB,
        job_hash=b"h",
        terms=terms.text(),
        requester=REQUESTER,
        binding=ids.digest(terms.text()).hex(),
        decision=Decision(decision="require_approval", policy_snapshot=f"snapshot_{snapshot}"),
    )


@pytest.mark.parametrize("part", range(4))
def test_whatever_people_do_what_comes_of_it_is_what_the_terms_say(part: int) -> None:
    for seed in SEEDS:
        crowd = Crowd(4 * seed + part)
        try:
            crowd.play()
        except AssertionError as error:
            raise AssertionError(f"seed {4 * seed + part}: {crowd.expected.__dict__}\n{crowd.events}") from error


def vote(subject: Given[Questions], cast: VoteCast, name: str, *, request_id: str) -> list[Event]:
    signed = sign_request(ISSUER, meta(RUN, principal=name, request_id=request_id), cast)
    return subject.when(signed, principal=name, request_id=request_id)


def outcomes(terms: Terms, names: tuple[str, ...]) -> Iterator[str]:
    for order in itertools.permutations(names):
        subject: Given[Questions] = Given(DECIDER, key=RUN)
        subject.when(asked(terms, 1), at=1000)
        for number, name in enumerate(order):
            vote(subject, VoteCast(approval_id=ASKED, approve=True, roles=PEOPLE[name]), name, request_id=f"r{number}")
        assert subject.state is not None
        yield "granted" if ASKED in subject.state.granted else "open"


@pytest.mark.parametrize("seed", range(20))
def test_the_order_in_which_people_agree_does_not_matter(seed: int) -> None:
    crowd = Crowd(seed)
    names = tuple(crowd.chance.sample(list(PEOPLE), 4))
    assert len(set(outcomes(crowd.some_terms(), names))) == 1


@pytest.mark.parametrize("seed", range(20))
def test_two_who_vote_at_once_are_two_and_one_who_votes_twice_is_one(seed: int) -> None:
    """Neither has seen the other's vote; the log puts them in some order."""
    chance = random.Random(seed)
    first, second = chance.choice((("bob", "eve"), ("bob", "bob")))
    subject: Given[Questions] = Given(DECIDER, key=RUN)
    subject.when(asked(Terms(required=2), 1), at=1000)
    said: list[Event] = []
    for number, name in enumerate((first, second)):
        cast = VoteCast(
            approval_id=ASKED, approve=True, roles=PEOPLE[name], binding=asked(Terms(required=2), 1).binding
        )
        said += vote(subject, cast, name, request_id=f"r{number}")
    assert any(isinstance(event, ApprovalGranted) for event in said) == (first != second)
