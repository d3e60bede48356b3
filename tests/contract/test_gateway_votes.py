"""Votes over HTTP that do not count, whoever is to blame: each with the code that its owner gives it."""

from typing import Any

import msgspec
import pytest

from foldgate.approval.approvals.voters import MAX_NAME, MAX_ROLES
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.runs import OVER
from foldgate.runtime.keys import KeyFile, Keys, file_of
from foldgate.sdk.requests import a_cancel
from tests.contract.test_gateway_approvals import API, People, code, status_of
from tests.support.asking import Asking, asking
from tests.support.door import Door, gateway
from tests.support.keys import files, signer_with
from tests.support.suite import settings
from tests.support.waiting import until

VOUCHERS: dict[str, dict[str, Any]] = {
    "wrong_tenant": {"tenant": "other"},
    "wrong_principal": {"name": "ann", "roles": ("person",)},
    "key_expired": {"not_after": 1},
    "unknown_key": {"root": bytes([7]) * 32},
}
"""What is wrong with the certificate of the gateway that vouches for whoever votes."""


def keys_with(**changes: Any) -> Keys:
    """Those of the suite, but that the issuer's certificate says something else."""
    certificate = signer_with("issuer", **changes).certificate
    issuer = KeyFile(private_key=bytes([3]) * 32, certificate=certificate)
    return Keys({**files(), file_of("issuer"): msgspec.json.encode(issuer)}.__getitem__)


async def test_who_may_not_vouch_gets_no_vote_counted(postgres_url: str) -> None:
    log = MemoryLog()
    async with asking(log, within_s=120) as suite:
        question = await suite.question()
        for wanted, changes in VOUCHERS.items():
            async with gateway(log, postgres_url, keys=keys_with(**changes)) as door:
                people = People(door)
                await people.come(wanted, "approver")
                refused = await people.votes(wanted, question)
                assert code(refused) == (403, wanted)
                assert refused.json()["approval_id"] == question
        lenient = settings(unsigned_requests="allow")
        async with gateway(log, postgres_url, given=lenient, keys=Keys.of(lenient)) as door:
            assert code(await door.client.post(f"{API}/approvals/{question}/approve")) == (403, "unsigned")
        async with gateway(log, postgres_url) as door:
            people = People(door)
            await people.come("many", "approver", *(f"role-{number}" for number in range(MAX_ROLES)))
            await people.come("long", "approver", "r" * (MAX_NAME + 1))
            for name in ("many", "long"):
                assert code(await people.votes(name, question)) == (422, "roles_invalid")
            assert await status_of(door, question) == "open"
            assert (await door.client.post(f"{API}/approvals/{question}/approve")).status_code == 200
        await suite.end(question)


async def test_a_vote_for_a_run_that_has_ended_is_told_so(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the run ends between the look at what is asked and the vote: the owner says nothing to that one."""
    monkeypatch.setattr("foldgate.gateway.http.asking.VERDICT_WITHIN_S", 0.1)
    log = MemoryLog()
    async with asking(log) as suite, gateway(log, postgres_url) as door:
        question = await suite.question()
        at = f"{API}/approvals/{question}/approve"
        app: Any = door.host.app
        seen = await app.approvals.known(question, "default")
        await _cancelled(suite, door, question)
        assert code(await door.client.post(at)) == (409, "run_closed")
        looks = app.approvals.known

        async def looks_too_early(*_: str, **__: Any) -> Any:
            monkeypatch.setattr(app.approvals, "known", looks)
            return seen

        monkeypatch.setattr(app.approvals, "known", looks_too_early)
        late = await door.client.post(at)
        assert code(late) == (409, "run_closed")
        assert late.json()["outcome"] == "closed"


async def _cancelled(suite: Asking, door: Door, question: str) -> None:
    run_id = question.partition(":")[0]
    await suite.client.ask(a_cancel(run_id))

    async def is_over() -> bool:
        run = await door.client.get(f"{API}/workflow-runs/{run_id}")
        return run.json().get("status") in OVER and await status_of(door, question) == "closed"

    await until(is_over, what="the end of the run")
