"""The read model of questions: whichever of two runs is read first, and asked again, revised and settled."""

import random

import msgspec

from foldgate.authority.terms import Quorum, Terms
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRevised,
    RunSucceeded,
    VoteRecorded,
)
from foldgate.gateway.projections.approvals import PROJECTION, rows
from tests.support.projected import Laid, applied, asked_of, in_stretches, meta_on, models_in

TWO = Terms(required=2, roles=("sre",), also=(Quorum(roles=("lead",)),))
ALL = "SELECT *, round(extract(epoch FROM opened_at) * 1000) AS opened FROM approvals ORDER BY approval_id"
SAID = "SELECT approval_id, sequence, type, principal, request_id FROM approval_events ORDER BY 1, 2"


def opened(run: str, terms: Terms = TWO) -> ApprovalOpened:
    return ApprovalOpened(approval_id=f"{run}:a", step="a", kind="policy", input="{}", terms=terms.text())


def some_questions() -> Laid:
    laid = Laid()
    for number in range(1, 6):
        run = f"run_{number}"
        laid.add(opened(run, TWO if number < 5 else Terms(required=1)), "approvals", key=run, at=2000)
    yes = VoteRecorded(approval_id="run_1:a", step="a", voter="bob", approve=True, roles=("sre",))
    laid.add(yes, "approvals", key="run_1", principal="bob", request_id="r1")
    granted = ApprovalGranted(approval_id="run_1:a", step="a", by=("bob",))
    laid.add(granted, "approvals", key="run_1", at=3000)
    again = ApprovalRevised(approval_id="run_1:a", step="a", terms=Terms(roles=("cfo",)).text(), binding="b2")
    laid.add(again, "approvals", key="run_1", at=4000)
    laid.add(ApprovalRefused(approval_id="run_2:a", step="a", by=("eve",)), "approvals", key="run_2", at=5000)
    laid.add(ApprovalGranted(approval_id="run_2:a", step="a", by=()), "approvals", key="run_2", at=6000)
    laid.add(ApprovalExpired(approval_id="run_3:a", step="a"), "approvals", key="run_3", at=5000)
    laid.add(ApprovalClosed(approval_id="run_4:a", step="a", reason="run_ended"), "approvals", key="run_4", at=5000)
    return laid


async def test_a_question_is_one_row_with_all_that_was_said(postgres_url: str) -> None:
    found = []
    for seed in range(2):
        async with models_in(postgres_url, f"t{seed}") as models:
            await applied(models, PROJECTION, in_stretches(some_questions().events, random.Random(seed), most=3))
            found.append((await asked_of(models, ALL), await asked_of(models, SAID)))
    assert found[0] == found[1]
    listed, said = found[0]
    assert [row["status"] for row in listed] == ["open", "refused", "expired", "closed", "open"]
    assert [row["roles"] for row in listed] == [["cfo"], *([["lead", "sre"]] * 3), []]
    assert [row["opened"] for row in listed] == [4000, 2000, 2000, 2000, 2000], "asked again: open since then"
    first = [(row["type"], row["principal"], row["request_id"]) for row in said if row["approval_id"] == "run_1:a"]
    assert [kind for kind, *_ in first] == ["ApprovalOpened", "VoteRecorded", "ApprovalGranted", "ApprovalRevised"]
    assert first[1] == ("VoteRecorded", "bob", "r1")


async def test_a_run_whose_id_is_given_again_asks_anew(postgres_url: str) -> None:
    laid = some_questions()
    meta = laid.add(opened("run_2"), "approvals", key="run_2", at=9000)
    async with models_in(postgres_url) as models:
        await applied(models, PROJECTION, in_stretches(laid.events, random.Random(1), most=9))
        [row] = [one for one in await asked_of(models, ALL) if one["run_id"] == "run_2"]
        assert (row["status"], row["settled_at"], row["opened"]) == ("open", None, 9000)
        said = [one for one in await asked_of(models, SAID) if one["approval_id"] == "run_2:a"]
        assert [one["sequence"] for one in said] == [meta.sequence]


def test_other_events_change_nothing_and_what_is_kept_can_be_read_again() -> None:
    assert rows(meta_on("runs"), RunSucceeded(output="1")) == []
    event = opened("run_1")
    body = str(rows(meta_on("approvals"), event)[-1].arguments[-1])
    assert msgspec.json.decode(body, type=ApprovalOpened) == event
