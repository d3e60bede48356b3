"""People are asked, vote, and their run goes on, on every driver; whoever votes hears what became of it."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalGranted,
    MessageQuarantined,
    QuestionsClosed,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunSucceeded,
    VoteRecorded,
    VoteRefused,
)
from foldgate.sdk.answers import NoVerdict
from foldgate.sdk.client import Client
from foldgate.sdk.requests import a_cancel
from foldgate.sdk.voting import Answer, a_vote, cast
from tests.support.asking import PAGE, asking
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.scripted import STEP
from tests.support.waiting import until


def code(answer: Answer) -> str:
    assert isinstance(answer, VoteRefused | MessageQuarantined), answer
    return answer.code


async def test_one_yes_lets_a_run_go_on(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question()
        answer = await suite.vote(question, data={"note": 1})
        data = '{"note":1}'
        assert answer == VoteRecorded(
            approval_id=question, step=STEP, voter="bob", approve=True, data=data, reason="why"
        )
        assert await suite.end(question) == RunSucceeded(output=data)


async def test_two_must_agree_and_who_asked_is_neither(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question(required=2, exclude_requester=True)
        assert code(await suite.vote(question, by="ada")) == "not_allowed"
        assert isinstance(await suite.vote(question, by="bob"), VoteRecorded)
        assert code(await suite.vote(question, by="bob")) == "already_voted"
        assert isinstance(await suite.vote(question, by="eve"), VoteRecorded)
        assert isinstance(await suite.end(question), RunSucceeded)


async def test_one_no_denies_it(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question(required=2)
        await suite.vote(question, approve=False)
        assert await suite.end(question) == RunDenied(rule="bob", reason="why")


async def test_only_data_that_fits_is_an_answer(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question("input", PAGE)
        assert code(await suite.vote(question, data={"page": "one"})) == "invalid_data"
        assert isinstance(await suite.vote(question, data={"page": 1}), VoteRecorded)
        assert await suite.end(question) == RunSucceeded(output='{"page":1}')


async def test_a_question_expires_by_itself(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question(expires_in_ms=400, on_expire="timed_out")
        assert await suite.end(question) == RunFailed(code="expired", message="timed_out")


async def test_a_question_is_closed_with_its_run(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question()
        await suite.client.ask(a_cancel(question.partition(":")[0]))
        assert isinstance(await suite.end(question), RunCancelled)

        async def is_closed() -> bool:
            return bool((await history_of(log)).of(QuestionsClosed))

        await until(is_closed, what="the end of all questions")
        [closed] = (await history_of(log)).of(ApprovalClosed)
        assert closed.event == ApprovalClosed(approval_id=question, step=STEP, reason="cancelled")


async def test_nobody_waits_in_silence_for_what_is_set_aside(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        assert code(await suite.vote("run_nowhere:step")) == "unknown_approval"
        question = await suite.question()
        assert code(await suite.vote(f"{question}x")) == "unknown_approval"
        await suite.vote(question)

        async def is_closed() -> bool:
            return bool((await history_of(log)).of(QuestionsClosed))

        await until(is_closed, what="the end of all questions")
        assert code(await suite.vote(question)) == "run_closed"


async def test_a_vote_that_is_cast_twice_is_one(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question, client = await suite.question(required=2), Client(log, principal="bob", signer=ISSUER)
        vote = a_vote(question, approve=True)
        first = await cast(client, log, vote)
        assert await cast(client, log, vote) == first
        await suite.vote(question, by="eve")
        await suite.end(question)
        history = await history_of(log)
        assert len(history.of(VoteRecorded)) == 2
        assert not history.of(VoteRefused)


async def test_of_all_who_vote_at_once_each_is_told_what_is_on_the_log(opened: Opened) -> None:
    async with opened() as log, asking(log) as suite:
        question = await suite.question(required=3)
        voters = ["bob", "eve", "bob", "kim", "lou", "eve", "max"]
        answers = await asyncio.gather(*(suite.vote(question, by=voter) for voter in voters))
        counted = [answer for answer in answers if isinstance(answer, VoteRecorded)]
        others = [answer for answer in answers if not isinstance(answer, VoteRecorded)]
        assert isinstance(await suite.end(question), RunSucceeded)
        history = await history_of(log)
        [granted] = [fact.event for fact in history.of(ApprovalGranted)]
        assert isinstance(granted, ApprovalGranted)
        assert len(granted.by) == len({*granted.by}) == 3
        assert sorted(answer.voter for answer in counted) == sorted(granted.by)
        assert [fact.event for fact in history.of(VoteRecorded)] == sorted(
            counted, key=lambda answer: granted.by.index(answer.voter)
        )
        assert {code(answer) for answer in others} <= {"already_voted", "not_open", "run_closed"}
        assert len(others) == 4


async def test_questions_and_votes_outlive_their_service(opened: Opened) -> None:
    async with opened() as log:
        async with asking(log) as suite:
            question = await suite.question(required=2)
            await suite.vote(question)
        async with asking(log) as suite:
            assert code(await suite.vote(question)) == "already_voted"
            await suite.vote(question, by="eve")
            assert isinstance(await suite.end(question), RunSucceeded)


def measured(by: str) -> tuple[float, float]:
    """How many questions were settled so, and how long they were open in all."""
    labels = {"service": "approval", "stream": "approvals", "by": by}
    found = [REGISTRY.get_sample_value(f"foldgate_settled_seconds_{name}", labels) for name in ("count", "sum")]
    return found[0] or 0, found[1] or 0


async def test_how_long_people_take_to_answer_is_measured(opened: Opened) -> None:
    kinds = ("ApprovalGranted", "ApprovalRefused", "ApprovalExpired")
    before = {by: measured(by) for by in kinds}
    async with opened() as log, asking(log) as suite:
        granted, refused = await suite.question(), await suite.question()
        expired = await suite.question(expires_in_ms=400)
        await suite.end(expired)
        await suite.vote(granted)
        await suite.vote(refused, approve=False)

        async def are_measured() -> bool:
            return all(measured(by)[0] == before[by][0] + 1 for by in kinds)

        await until(are_measured, what="one question that was settled in each way")
    for by in kinds:
        assert 0.2 <= measured(by)[1] - before[by][1] < 30


async def test_without_the_service_a_vote_waits_on_the_log(opened: Opened) -> None:
    async with opened() as log:
        async with asking(log) as suite:
            question = await suite.question()
        with pytest.raises(NoVerdict, match="Expected the owner of 'approvals' to answer"):
            await cast(Client(log, principal="bob", signer=ISSUER), log, a_vote(question, approve=True), within_s=0.2)
        async with asking(log) as suite:
            assert isinstance(await suite.end(question), RunSucceeded)
