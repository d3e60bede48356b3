"""Which pools there are, who may change that, and which of them take jobs."""

from typing import Any

import pytest

from foldgate.authority.active import Policies
from foldgate.authority.keys import Signer
from foldgate.authority.pools_reading import prepare
from foldgate.authority.requests import sign_request
from foldgate.contracts.events import (
    Event,
    KeyRevoked,
    PoolChanged,
    PoolDrainRequested,
    PoolOverloaded,
    PoolRelieved,
    PoolsPublished,
    PoolsPutRequested,
    PoolsRefused,
    RunSucceeded,
)
from foldgate.decider.decider import IllegalTransition, Message, Said, SetAside, Tick
from foldgate.scheduler.pools.decide import pools
from foldgate.scheduler.pools.state import DISMISSED_REMEMBERED, KEY, Pools, describe
from tests.support.given import Given, meta
from tests.support.keys import STRANGER, TRUST, signer_with
from tests.support.layouts import TWO, layout, source

ADMIN = signer_with("issuer", roles=("admin",), name="gateway")
OPERATOR = signer_with("issuer", roles=("operator",), name="desk")
LOCAL = signer_with("issuer", roles=("admin",), name="local", tenant="acme")


class Suite(Given[Pools]):
    """The pools of a suite, and what is asked of them; each request has an id of its own."""

    def __init__(self) -> None:
        self.policies, self.asked = Policies(), 0
        super().__init__(pools(self.policies, TRUST), key=KEY)

    def ask(
        self, event: PoolsPutRequested | PoolDrainRequested, *, by: Signer | None = ADMIN, **changes: Any
    ) -> list[Event]:
        self.asked += 1
        about = {"request_id": f"r{self.asked}", **changes}
        signed = event if by is None else sign_request(by, meta(KEY, **about), event)
        return self.when(signed, **about)

    def put(self, document: dict[str, Any] | str = TWO, *, revision: int = 0, **changes: Any) -> list[Event]:
        text = document if isinstance(document, str) else source(document)
        return self.ask(PoolsPutRequested(source=text, revision=revision, reason="new"), **changes)

    def drain(self, pool: str = "sre", draining: bool = True, **changes: Any) -> list[Event]:
        return self.ask(PoolDrainRequested(pool=pool, draining=draining, reason="why"), **changes)

    def overload(self, pool: str = "sre") -> list[Event]:
        return self.when(PoolOverloaded(pool=pool, waiting=9, reason="r"), request_id="of a run")

    def relieve(self, pool: str = "sre") -> list[Event]:
        return self.when(PoolRelieved(pool=pool, waiting=1))


def with_two() -> Suite:
    suite = Suite()
    suite.put()
    return suite


def change(
    pool: str,
    number: int,
    reason: str = "",
    *,
    is_open: bool | None = None,
    terms: str | None = None,
    words: str | None = None,
) -> Event:
    """Whoever drains a pool here says why."""
    return PoolChanged(
        pool=pool,
        terms=f'{{"name":"{pool}"}}' if terms is None else terms,
        is_open=not reason if is_open is None else is_open,
        number=number,
        reason=reason,
        words=("why" if "draining" in reason else "") if words is None else words,
    )


def code(said: list[Event]) -> str:
    [refused] = said
    assert isinstance(refused, PoolsRefused), refused
    assert refused.reason.startswith("Expected ")
    return refused.code


# The document.


def test_a_document_is_published_with_each_of_its_pools() -> None:
    prepared = prepare(source(TWO))
    published = PoolsPublished(document=prepared.canonical, digest=prepared.digest, revision=1, number=1, reason="new")
    assert Suite().put() == [published, change("sre", 2), change("default", 3)]


def test_what_was_there_by_itself_is_removed_by_the_first_document_without_it() -> None:
    published, removed, changed = Suite().put(layout([{"name": "web"}]))
    assert isinstance(published, PoolsPublished)
    assert removed == change("default", 2, "removed", terms="")
    assert changed == change("web", 3)


def test_only_what_is_another_is_said_of_pools() -> None:
    suite = with_two()
    pools_: list[dict[str, Any]] = [{"name": "default"}, {"name": "web", "capabilities": ["docker"]}]
    published, *changes = suite.put(layout(pools_), revision=1)
    assert isinstance(published, PoolsPublished)
    assert (published.revision, published.number) == (2, 4)
    terms = '{"capabilities":["docker"],"name":"web"}'
    assert changes == [change("sre", 5, "removed", terms=""), change("web", 6, terms=terms)]
    published, *changes = suite.put(layout(pools_, ("*", ["web"])), revision=2)
    assert (type(published), changes) == (PoolsPublished, []), "a route is no pool"


def test_a_pool_that_is_drained_stays_so_with_other_terms() -> None:
    suite = with_two()
    suite.drain()
    _, changed = suite.put(layout([{"name": "sre", "max_waiting": 1}, {"name": "default"}]), revision=1)
    assert changed == change("sre", 6, "draining", terms='{"max_waiting":1,"name":"sre"}')


def test_a_change_of_another_revision_than_the_last_is_a_conflict() -> None:
    suite = with_two()
    for revision in (0, 2):
        assert code(suite.put(layout([{"name": "x"}]), revision=revision)) == "revision_conflict"


def test_what_changes_nothing_is_refused() -> None:
    suite = with_two()
    assert code(suite.put(revision=1)) == "unchanged"
    assert code(suite.drain(draining=False)) == "unchanged"
    suite.drain()
    assert code(suite.drain()) == "unchanged"


def test_every_mistake_of_a_document_is_told() -> None:
    [refused] = Suite().put("pools:\n  - {name: a, capability: x}\n  - {}\n")
    assert isinstance(refused, PoolsRefused)
    assert (refused.code, refused.request, len(refused.problems)) == ("invalid", "PoolsPutRequested", 2)
    assert refused.problems[0].startswith("line 2, column ")
    assert refused.problems[0] in refused.reason


def test_a_document_has_bounds() -> None:
    assert code(Suite().put("x" * 600_000)) == "too_large"


# Open and closed.


def test_a_pool_is_drained_and_opened_again() -> None:
    suite = with_two()
    assert suite.drain() == [change("sre", 4, "draining")]
    assert suite.drain(draining=False) == [change("sre", 5, words="why")]
    assert code(suite.drain("none")) == "unknown_pool"
    assert code(Suite().drain("default")) == "unknown_pool"


def test_a_pool_is_closed_for_as_long_as_it_is_overloaded() -> None:
    suite = with_two()
    assert suite.overload() == [change("sre", 4, "overloaded")]
    assert suite.overload() == []
    assert suite.relieve() == [change("sre", 5)]
    assert suite.relieve() == []
    assert suite.overload("none") == []


def test_what_is_drained_and_overloaded_is_open_once_it_is_neither() -> None:
    suite = with_two()
    suite.drain()
    assert suite.overload() == [change("sre", 5, "draining, overloaded")]
    assert suite.drain(draining=False) == [change("sre", 6, "overloaded", words="why")]
    assert suite.drain() == [change("sre", 7, "draining, overloaded")]
    assert suite.relieve() == [change("sre", 8, "draining")]
    assert suite.drain(draining=False) == [change("sre", 9, words="why")]
    assert suite.overload() == [change("sre", 10, "overloaded")], "what was said then is not said again"


def test_what_it_is_about_is_no_run_and_no_tenant() -> None:
    suite = with_two()
    for said in suite.said(PoolOverloaded(pool="sre", waiting=9, reason="r"), run_id="run_1", pool="sre"):
        assert (said.run_id, said.pool, said.tenant) == ("", "", "")


def test_the_pools_describe_themselves() -> None:
    suite = with_two()
    suite.drain()
    assert suite.state is not None
    assert describe(suite.state) == {
        "revision": 1,
        "number": 4,
        "pools": ["default", "sre"],
        "closed": {"sre": "draining"},
    }


# Who may.


def test_only_whom_an_issuer_vouches_for_changes_anything() -> None:
    suite = Suite()
    assert code(suite.put(by=None)) == "unsigned"
    assert code(suite.put(by=STRANGER)) == "unknown_key"
    assert code(suite.put(by=LOCAL)) == "forbidden"
    assert code(suite.put(by=OPERATOR)) == "forbidden"
    assert code(suite.put(request_id="")) == "no_request_id"
    suite.policies.add(meta("policies"), KeyRevoked(key_id=ADMIN.certificate.key_id), 1)
    assert code(suite.put()) == "key_revoked"


def test_an_operator_drains() -> None:
    assert with_two().drain(by=OPERATOR) == [change("sre", 4, "draining")]


def test_a_request_is_answered_once() -> None:
    suite = with_two()
    first = suite.drain(request_id="first")
    assert first
    assert suite.drain(request_id="first") == []
    assert suite.put(request_id="r1") == []
    refused = code(suite.put(layout([{"name": "x"}]), revision=9, request_id="late"))
    assert refused == "revision_conflict"
    assert suite.put(layout([{"name": "x"}]), revision=1, request_id="late") == []
    suite.overload()
    assert suite.drain("default", request_id="of a run"), "what a run asked for is no request of this"


def test_what_nobody_vouches_for_stands_in_nobodys_way() -> None:
    suite = Suite()
    assert code(suite.put(by=None, request_id="x")) == "unsigned"
    assert suite.put(by=None, request_id="x") == []
    assert isinstance(suite.put(request_id="x")[0], PoolsPublished)
    for _ in range(DISMISSED_REMEMBERED + 5):
        suite.put(by=None)
    assert suite.state is not None
    assert len(suite.state.dismissed) == DISMISSED_REMEMBERED


@pytest.mark.parametrize("field", ["tenant", "principal", "request_id"])
def test_a_name_beyond_all_bounds_is_set_aside(field: str) -> None:
    about: dict[str, Any] = {field: "x" * 256}
    with pytest.raises(SetAside, match="at most 255"):
        Suite().put(**about)


def test_a_request_under_another_key_or_of_a_long_name_is_set_aside() -> None:
    with pytest.raises(SetAside, match="key 'pools'"):
        list(
            Suite().decider.decide(
                None, Message(key=KEY, at=1, event=PoolDrainRequested(pool="p", draining=True), meta=meta("x"))
            )
        )
    with pytest.raises(SetAside, match="at most 255"):
        Suite().drain("x" * 256)


# What does not concern it, and what cannot be.


def test_the_rest_says_nothing() -> None:
    assert Suite().when(Tick()) == []
    assert Suite().when(RunSucceeded(output="1")) == []


def test_a_fault_of_ours_is_told_to_who_asked() -> None:
    decider = pools(Policies(), TRUST)
    message = Message(key=KEY, at=1, event=PoolDrainRequested(pool="p", draining=True), meta=meta(KEY))
    [said] = decider.fail(None, message, "broken")
    assert isinstance(said, Said)
    assert isinstance(said.event, PoolsRefused)
    assert said.event.code == "internal_error"
    other = Message(key=KEY, at=1, event=PoolRelieved(pool="p", waiting=1), meta=meta(KEY))
    assert list(decider.fail(None, other, "broken")) == []


@pytest.mark.parametrize(
    "event",
    [
        PoolsPublished(document="{}", digest=b"", revision=2, number=1),
        PoolsPublished(document="{}", digest=b"", revision=1, number=2),
        PoolChanged(pool="p", terms="", is_open=False, number=2),
        PoolRelieved(pool="p", waiting=1),
    ],
)
def test_what_does_not_fit_cannot_be(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        pools(Policies(), TRUST).evolve(None, meta(KEY), event)
