"""Where jobs go: the table of pools, and the choice of one."""

from typing import Any

import pytest
from msgspec.structs import replace

from foldgate.authority import pools
from foldgate.authority.pools import Choice, Pools, Router
from foldgate.authority.pools_terms import PoolTerms
from foldgate.contracts.events import JobRequested, PoolsRefused
from tests.support.given import meta
from tests.support.kernel import job
from tests.support.layouts import TWO, closed, layout, opened, published, take

WHOLE = layout(
    [
        {"name": "sre", "capabilities": ["docker", "ssh"], "tenants": ["acme", "team-*"], "labels": {"zone": "eu"}},
        {"name": "gpu", "capabilities": ["cuda"]},
        {"name": "default", "capabilities": ["docker"]},
        {"name": "apart"},
    ],
    ("job.sre.*", ["sre", "default"]),
    ("job.sre.train", ["gpu"]),
    ("job.echo", ["default"]),
)


def choose(*events: Any, document: Any = WHOLE, **fields: Any) -> Choice:
    return take(Pools(), published(document), *events).choose(job(**fields))


def test_without_a_document_a_job_goes_where_it_asks_to_go() -> None:
    assert Pools().choose(job()) == Choice("default", "")
    assert Pools().choose(job(pool="gpu", requires=("docker",))) == Choice("gpu", "")
    assert Pools().choose(job(pool="no/pool")).pool == ""


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"topic": "job.echo"}, Choice("default", "the first open one of route 3")),
        ({"topic": "job.sre.x"}, Choice("sre", "the first open one of route 1")),
        ({"topic": "job.sre.x", "requires": ("docker", "ssh")}, Choice("sre", "the first open one of route 1")),
        ({"topic": "job.sre.x", "tenant": "other"}, Choice("default", "the first open one of route 1")),
        ({"topic": "job.sre.x", "tenant": "team-7"}, Choice("sre", "the first open one of route 1")),
        ({"topic": "job.sre.x", "placement": {"zone": "us"}}, Choice("default", "the first open one of route 1")),
        (
            {"topic": "job.sre.x", "placement": {"rack": "7", "zone": "eu"}},
            Choice("sre", "the first open one of route 1"),
        ),
        ({"topic": "job.sre.x", "pool": "default"}, Choice("default", "asked for")),
        ({"topic": "job.sre.x", "pool": "gpu"}, Choice("sre", "the first open one of route 1")),
        ({"topic": "job.sre.train", "pool": "gpu"}, Choice("gpu", "asked for")),
        (
            {"topic": "job.sre.train", "pool": "gpu", "requires": ("ssh",)},
            Choice("sre", "the first open one of route 1"),
        ),
        ({"topic": "job.sre.x", "pool": "never"}, Choice("sre", "the first open one of route 1")),
        ({"topic": "job.echo", "pool": "apart"}, Choice("default", "the first open one of route 3")),
    ],
)
def test_a_job_goes_to_the_pool_it_asks_for_or_to_the_first_that_fits(fields: dict[str, Any], choice: Choice) -> None:
    assert choose(**fields) == choice


def test_a_route_names_a_topic_or_a_kind() -> None:
    document = layout(
        [{"name": "partners"}, {"name": "web"}, {"name": "default"}],
        ("job.orders.*", ["partners"]),
        ("kind:http", ["web"]),
        ("k*", ["partners"]),
        ("kind:*", ["default"]),
    )
    routed = {
        ("http", "job.orders.ask"): "partners",
        ("http", "job.prices.ask"): "web",
        ("script", "job.prices.add"): "default",
        ("job", "job.orders.add"): "partners",
        ("job", "http"): "default",
    }
    for (kind, topic), name in routed.items():
        assert choose(document=document, kind=kind, topic=topic).pool == name, (kind, topic)


def test_a_pool_that_is_closed_gives_way_to_one_that_is_open() -> None:
    sre = closed("sre", 2)
    assert choose(sre, document=TWO).pool == "default"
    assert choose(sre, document=TWO, pool="sre").pool == "default", "also where it is asked for"
    assert choose(sre, opened("sre", 3), document=TWO).pool == "sre"


def test_where_all_are_closed_it_is_the_first_that_fits() -> None:
    both = closed("sre", 2), closed("default", 3, "overloaded")
    assert choose(*both, document=TWO) == Choice("sre", "draining, but no other fits")
    assert choose(*both, document=TWO, pool="default") == Choice("default", "overloaded, but no other fits")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"topic": "job.unknown"}, "Expected a route for the topic 'job.unknown', but no pool takes it."),
        (
            {"topic": "job.unknown", "pool": "default"},
            "Expected a route for the topic 'job.unknown', but no pool takes it.",
        ),
        (
            {"topic": "job.sre.x", "requires": ("tpu",), "pool": "default"},
            "Expected a pool of route 1 that fits the job, but 'default' has no tpu; 'sre' has no tpu.",
        ),
        (
            {"topic": "job.sre.x", "requires": ("ssh",), "tenant": "other"},
            "Expected a pool of route 1 that fits the job, but 'sre' is not for tenant 'other'; 'default' has no ssh.",
        ),
        (
            {"topic": "job.sre.x", "requires": ("ssh",), "placement": {"zone": "us"}},
            "Expected a pool of route 1 that fits the job, but 'sre' has zone=eu; 'default' has no ssh.",
        ),
    ],
)
def test_what_no_pool_takes_is_told_why(fields: dict[str, Any], reason: str) -> None:
    assert choose(**fields) == Choice("", reason)


def test_only_so_many_topics_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MAX_TOPICS", 2)
    table = take(Pools(), published(TWO))
    assert {table.choose(job(topic=f"t{number}")).pool for number in (0, 1, 1, 2, 3, 4)} == {"sre"}
    assert isinstance(table._router, Router)
    assert len(table._router._ways) <= 2


def test_the_table_knows_the_last_change() -> None:
    table = take(Pools(), published(TWO), closed("sre", 2), PoolsRefused(request="r", code="c", reason="r"))
    assert (table.number, table.revision, table.closed) == (2, 1, {"sre": "draining"})
    assert table.layout is not None
    assert table.layout.pools[0] == PoolTerms(name="sre")
    assert table.words == {}
    take(table, replace(closed("sre", 3), words="new machines"))
    assert (table.closed, table.words) == ({"sre": "draining"}, {"sre": "new machines"})
    take(table, replace(closed("sre", 4, "overloaded"), words="they are there"))
    assert (table.closed, table.words) == ({"sre": "overloaded"}, {}), "whoever opened it said that"
    for number, lacking in ((4, False), (5, True)):
        asked = JobRequested(job=job(), pools_number=number)
        assert table.lacks(meta("run_1"), asked, reached=0) is lacking
    assert not table.lacks(meta("run_1"), closed("sre", 9), reached=0)
    assert take(Pools(), closed("sre", 1)).choose(job()).pool == "default", "before any document"
