"""A suite whose runs ask people, and people who vote."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec

from foldgate.approval.main import SERVICE as APPROVAL
from foldgate.contracts.events import ApprovalOpened
from foldgate.eventlog.log import Log
from foldgate.sdk.client import Client
from foldgate.sdk.voting import Answer, a_vote, cast
from tests.support.checker import check_streams
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.scripted import SCRIPTED, STEP
from tests.support.suite import running
from tests.support.waiting import until

SERVICES = (SCRIPTED, APPROVAL)
PAGE = {"type": "object", "properties": {"page": {"type": "integer"}}, "required": ["page"]}


class Asking:
    """A suite whose runs ask people."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.client = Client(log, principal="ada", signer=ISSUER)

    async def question(self, kind: str = "approval", schema: object = None, **terms: object) -> str:
        """A run that asks; returns the question when it can be answered."""
        labels = {"terms": _json(terms), "schema": _json(schema) if schema is not None else ""}
        asked = await self.client.run_job("nobody", {"shown": 1}, kind=kind, labels=labels)

        async def is_open() -> bool:
            facts = (await history_of(self.log)).of(ApprovalOpened)
            return any(fact.meta.run_id == asked.run_id for fact in facts)

        await until(is_open, what="an open question")
        return f"{asked.run_id}:{STEP}"

    async def vote(
        self,
        question: str,
        approve: bool = True,
        *,
        by: str = "bob",
        data: object = None,
        binding: str = "",
        roles: tuple[str, ...] = (),
    ) -> Answer:
        client = Client(self.log, principal=by, signer=ISSUER)
        vote = a_vote(question, approve=approve, data=data, reason="why", binding=binding, roles=roles)
        return await cast(client, self.log, vote)

    async def end(self, question: str) -> object:
        async with asyncio.timeout(30):
            return await self.client.ended(question.partition(":")[0])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


@contextlib.asynccontextmanager
async def asking(log: Log, *, within_s: float = 60) -> AsyncIterator[Asking]:
    async with running(log, services=SERVICES), asyncio.timeout(within_s):
        yield Asking(log)
    check_streams(await history_of(log))
