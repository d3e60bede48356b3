"""Policy asks people before a job, on every driver: whose vote counts, on what, and what comes of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import msgspec

from foldgate.authority.keys import Signer
from foldgate.authority.terms import Terms
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRevised,
    JobDispatched,
    KeyRevoked,
    RunDenied,
    RunSucceeded,
    VoteCast,
    VoteRecorded,
    VoteRefused,
    WritIssued,
)
from foldgate.eventlog.log import Log
from foldgate.sdk.client import Client
from foldgate.sdk.policies import a_revoked_key
from foldgate.sdk.voting import a_vote, cast
from tests.contract.test_policy_changes import DENYING, an_admin, publish
from tests.contract.test_skeleton import a_worker
from tests.support.checker import check_streams
from tests.support.history import history_of
from tests.support.intruding import intrude
from tests.support.keys import ISSUER, KERNEL, signer, signer_with
from tests.support.logs import Opened
from tests.support.suite import running, working
from tests.support.waiting import until

E = TypeVar("E", ApprovalOpened, ApprovalRevised)
RULE = "test/floor#ask"
STRANGER = signer_with("issuer", root=bytes([7]) * 32)


def asking(**terms: object) -> str:
    """A bundle that asks on these terms before `job.echo`."""
    rule = {
        "id": "ask",
        "match": {"topics": ["job.echo"]},
        "decision": "require_approval",
        "reason": "It echoes.",
        "approval": terms,
    }
    return msgspec.json.encode({"bundle": "test/floor", "default_decision": "allow", "rules": [rule]}).decode()


class Governed:
    """A suite whose policy asks people. `ran` has the jobs that were done."""

    def __init__(self, log: Log, ran: list[str]) -> None:
        self.log, self.ran = log, ran
        self.client = Client(log, principal="ada", signer=ISSUER)

    async def question(self) -> ApprovalOpened:
        """What policy asks before a new job."""
        asked = await self.client.run_job("job.echo", {"n": 1})
        return await self._said(ApprovalOpened, asked.run_id)

    async def question_of(self, required: int) -> ApprovalOpened:
        """A question on the terms that were published last, when the kernel has read them; until then it denies."""
        while True:
            asked = await self.client.run_job("job.echo", {"n": 1})
            question = asyncio.ensure_future(self._said(ApprovalOpened, asked.run_id))
            ended = asyncio.ensure_future(self.client.ended(asked.run_id))
            await asyncio.wait((question, ended), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if question.done() and Terms.of(question.result().terms).required == required:
                return question.result()
            question.cancel()

    async def revision(self, approval_id: str) -> ApprovalRevised:
        """What it became when policy asked again."""
        return await self._said(ApprovalRevised, approval_id.partition(":")[0])

    async def _said(self, kind: type[E], run_id: str) -> E:
        """The first event of that type of a run, once it is there."""
        found: list[E] = []

        async def is_there() -> bool:
            facts = (await history_of(self.log)).of(kind)
            found.extend(one.event for one in facts if one.meta.run_id == run_id and isinstance(one.event, kind))
            return bool(found)

        await until(is_there, what=f"{kind.__name__} of {run_id}")
        return found[0]

    async def vote(
        self,
        question: str,
        approve: bool = True,
        *,
        by: str,
        roles: Sequence[str] = (),
        binding: str = "",
        issuer: Signer | None = ISSUER,
    ) -> str:
        """Vote; `counts`, or the code of why it does not."""
        client = Client(self.log, principal=by, signer=issuer)
        vote = a_vote(question, approve=approve, reason="why", binding=binding, roles=roles)
        answer = await cast(client, self.log, vote)
        assert isinstance(answer, VoteRecorded | VoteRefused), answer
        return "counts" if isinstance(answer, VoteRecorded) else answer.code

    async def end(self, question: str) -> object:
        async with asyncio.timeout(30):
            return await self.client.ended(question.partition(":")[0])


@contextlib.asynccontextmanager
async def governed(opened: Opened, **terms: object) -> AsyncIterator[Governed]:
    ran: list[str] = []
    async with opened() as log:
        async with running(log, given=DENYING), working(log, a_worker(ran)), asyncio.timeout(90):
            await publish(log, asking(**terms))
            suite = Governed(log, ran)
            await suite.question_of(int(str(terms.get("required", 1))))
            yield suite
        check_streams(await history_of(log))


async def test_two_of_a_role_let_a_job_be_done_and_who_asked_is_none_of_them(opened: Opened) -> None:
    async with governed(opened, required=2, roles=["sre"], exclude_requester=True) as suite:
        question = await suite.question_of(2)
        name = question.approval_id
        assert (question.kind, question.requester) == ("policy", "ada")
        assert await suite.vote(name, by="ada", roles=["sre"]) == "not_allowed"
        assert await suite.vote(name, by="bob", roles=["law"]) == "not_allowed"
        assert await suite.vote(name, by="bob", roles=["law", "sre"], binding=question.binding) == "counts"
        assert await suite.vote(name, by="bob", roles=["sre"]) == "already_voted"
        assert suite.ran == [], "one was enough for two"
        assert await suite.vote(name, by="eve", roles=["sre"], binding=question.binding) == "counts"
        assert isinstance(await suite.end(name), RunSucceeded)
        history = await history_of(suite.log)
        [granted] = history.of(ApprovalGranted)
        assert isinstance(granted.event, ApprovalGranted)
        assert {vote.voter: vote.roles for vote in granted.event.votes} == {"bob": ("law", "sre"), "eve": ("sre",)}
        [issued] = history.of(WritIssued)
        assert isinstance(issued.event, WritIssued)
        assert issued.event.writ.approval_id == name


async def test_one_no_denies_the_run_and_nothing_is_dispatched(opened: Opened) -> None:
    async with governed(opened, required=2) as suite:
        question = await suite.question()
        assert await suite.vote(question.approval_id, by="bob") == "counts"
        assert await suite.vote(question.approval_id, False, by="eve") == "counts"
        end = await suite.end(question.approval_id)
        assert isinstance(end, RunDenied)
        assert (end.rule, end.reason) == (RULE, "Refused by eve: why")
        assert (suite.ran, (await history_of(suite.log)).of(JobDispatched)) == ([], [])


async def test_under_a_majority_one_no_is_outvoted(opened: Opened) -> None:
    async with governed(opened, required=2, majority=True) as suite:
        question = await suite.question()
        for name, approve in (("bob", True), ("eve", False), ("kim", True)):
            assert await suite.vote(question.approval_id, approve, by=name) == "counts"
        assert isinstance(await suite.end(question.approval_id), RunSucceeded)


async def test_a_question_that_nobody_answers_in_time_denies(opened: Opened) -> None:
    async with governed(opened, expires_in="1s") as suite:
        question = await suite.question()
        assert await suite.end(question.approval_id) == RunDenied(
            rule=RULE, reason="Nobody answered in time.", step="job"
        )


async def test_what_was_granted_on_weaker_terms_is_asked_again_on_the_terms_of_now(opened: Opened) -> None:
    async with governed(opened) as suite:
        question = await suite.question()
        name, first = question.approval_id, question.binding
        assert await suite.vote(name, by="bob", binding="0" * 64) == "approval_stale"
        await publish(suite.log, asking(required=2), revision=1)
        await suite.question_of(2)
        assert await suite.vote(name, by="bob", binding=first) == "counts"
        revised = await suite.revision(name)
        assert suite.ran == [], "a job slipped through on terms that hold no longer"
        assert await suite.vote(name, by="eve", binding=first) == "approval_stale"
        assert await suite.vote(name, by="bob", binding=revised.binding) == "already_voted"
        assert await suite.vote(name, by="eve", binding=revised.binding) == "counts"
        assert isinstance(await suite.end(name), RunSucceeded)


async def test_a_vote_that_nobody_trusted_vouches_for_does_not_count(opened: Opened) -> None:
    async with governed(opened, roles=["sre"]) as suite:
        name = (await suite.question()).approval_id
        said = [await suite.vote(name, by="bob", roles=["sre"], issuer=one) for one in (None, STRANGER, KERNEL)]
        assert said == ["unsigned", "unknown_key", "wrong_purpose"]
        of_another = signer_with("issuer", tenant="acme")
        assert await suite.vote(name, by="bob", roles=["sre"], issuer=of_another) == "wrong_tenant"
        assert await suite.vote(name, by="bob", roles=["sre"]) == "counts", "his name was used up by others"
        assert isinstance(await suite.end(name), RunSucceeded)


async def test_a_vote_that_somebody_copies_counts_once_whoever_sends_it(opened: Opened) -> None:
    async with governed(opened, required=2) as suite:
        name = (await suite.question_of(2)).approval_id
        assert await suite.vote(name, by="bob") == "counts"
        [cast_once] = [one for one in (await history_of(suite.log)).asked(VoteCast) if one.meta.run_id in name]
        for changes in ({}, {}, {"principal": "eve"}, {"request_id": "another"}):
            value = Codec().encode(msgspec.structs.replace(cast_once.meta, **changes), cast_once.event)
            await intrude(suite.log, cast_once.partition, key=cast_once.meta.key.encode(), value=value)
        assert await suite.vote(name, by="kim") == "counts"
        assert isinstance(await suite.end(name), RunSucceeded)
        history = await history_of(suite.log)
        counted = [one.event.voter for one in history.of(VoteRecorded) if isinstance(one.event, VoteRecorded)]
        refused = [one.event for one in history.of(VoteRefused)]
        assert counted == ["bob", "kim"]
        assert [(one.voter, one.code) for one in refused if isinstance(one, VoteRefused)] == [
            ("eve", "bad_signature"),
            ("bob", "bad_signature"),
        ]


async def test_a_key_of_somebodys_own_votes_under_that_name_and_in_its_roles_alone(opened: Opened) -> None:
    async with governed(opened, roles=["sre"]) as suite:
        name = (await suite.question()).approval_id
        law = signer_with("issuer", name="bob", roles=("person", "law"))
        assert await suite.vote(name, by="bob", roles=["sre"], issuer=law) == "not_allowed"
        own = signer_with("issuer", name="bob", roles=("person", "sre"))
        assert await suite.vote(name, by="eve", issuer=own) == "wrong_principal"
        assert await suite.vote(name, by="bob", issuer=own) == "counts"


async def test_a_key_that_was_revoked_vouches_for_nobody(opened: Opened) -> None:
    async with governed(opened, roles=["sre"]) as suite:
        name, other = (await suite.question()).approval_id, signer("issuer", 8)
        assert await suite.vote(name, by="bob", issuer=other) == "not_allowed", "it was trusted, he is no sre"
        key_id = other.certificate.key_id
        assert isinstance((await an_admin(suite.log).decided(a_revoked_key(key_id))).event, KeyRevoked)

        async def is_refused() -> bool:
            return await suite.vote(name, by="bob", issuer=other) == "key_revoked"

        await until(is_refused, what="an approval service that has read of it")
        assert await suite.vote(name, by="bob", roles=["sre"], issuer=other) == "key_revoked"
        assert await suite.vote(name, by="bob", roles=["sre"]) == "counts"
        assert isinstance(await suite.end(name), RunSucceeded)
