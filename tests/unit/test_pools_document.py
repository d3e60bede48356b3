"""What people write about pools: what it means, and where it is wrong."""

import msgspec
import pytest

from foldgate.authority import pools_reading
from foldgate.authority.pools_reading import PoolsInvalid, prepare
from foldgate.authority.pools_terms import Layout, PoolLimit, PoolRoute, PoolTerms, layout_of, terms_of

WHOLE = """
pools:
  - name: default
  - name: sre
    capabilities: [ssh, docker]
    tenants: [acme]
    labels: {zone: eu}
    max_waiting: 10
    max_cpu_percent: 80
    max_gpu_percent: 70
    retry_share: 1
    age_step: 5s
    limits: [{key: tenant, max_concurrent: 3, per_minute: 60}]
routes:
  - {topics: ["job.sre.*"], pools: [sre, default]}
  - {topics: ["*"], pools: [default]}
"""


def problems(source: str) -> list[str]:
    with pytest.raises(PoolsInvalid) as caught:
        prepare(source)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [f"{one.line}:{one.column} {one.path} {one.code}" for one in caught.value.problems]


def test_a_document_becomes_pools_and_routes() -> None:
    sre = PoolTerms(
        name="sre",
        capabilities=("docker", "ssh"),
        tenants=("acme",),
        labels={"zone": "eu"},
        max_waiting=10,
        max_cpu_percent=80,
        max_gpu_percent=70,
        retry_share=1.0,
        age_step_ms=5000,
        limits=(PoolLimit("tenant", 3, 60),),
    )
    routes = (PoolRoute(("job.sre.*",), ("sre", "default")), PoolRoute(("*",), ("default",)))
    prepared = prepare(WHOLE)
    assert prepared.layout == Layout((PoolTerms(name="default"), sre), routes)
    assert layout_of(prepared.canonical) == prepared.layout
    assert terms_of(sre.text()) == sre
    assert prepared.layout.pool("sre") is prepared.layout.pools[1]
    assert prepared.layout.pool("none") is None


def test_terms_say_nothing_that_is_so_by_default() -> None:
    assert PoolTerms(name="default").text() == '{"name":"default"}'
    assert prepare("pools: [{name: a, max_waiting: 100000, age_step: 1m}]").layout.text() == (
        '{"pools":[{"name":"a"}],"routes":[]}'
    )


def test_two_documents_that_mean_the_same_have_one_form() -> None:
    one = prepare("pools: [{name: a, capabilities: [y, x], age_step: 60s, retry_share: 0.2}]")
    other = prepare('{"pools": [{"capabilities": ["x", "y"], "name": "a", "limits": []}], "routes": []}')
    assert (one.canonical, one.digest) == (other.canonical, other.digest)
    assert one.digest != prepare("pools: [{name: b}]").digest
    assert len(one.digest) == 32


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("pools: []", ["1:8 pools out_of_range"]),
        ("routes: []", ["1:1  missing_key"]),
        ("pools:\n  - {name: a}\n  - {name: a}", ["3:12 pools[1].name twice"]),
        ("pools:\n  - name: _a", ["2:11 pools[0].name name_invalid"]),
        ("pools:\n  - name: a\n    capability: [x]", ["3:5 pools[0].capability unknown_key"]),
        ("pools: [{name: a, limits: [{key: tenant}]}]", ["1:28 pools[0].limits[0] missing_key"]),
        ("pools: [{name: a, limits: [{key: what, per_minute: 1}]}]", ["1:34 pools[0].limits[0].key unknown_value"]),
        (
            "pools: [{name: a, limits: [{key: tenant, per_minute: 1}, {key: tenant, max_concurrent: 1}]}]",
            ["1:64 pools[0].limits[1].key twice"],
        ),
        (
            "pools: [{name: web}]\nroutes:\n  - {topics: [x], pools: [wbe]}",
            ["3:27 routes[0].pools[0] unknown_pool"],
        ),
        (
            "pools: [{name: a}]\nroutes: [{topics: [x], pools: [a, a]}]",
            ["2:35 routes[0].pools[1] twice"],
        ),
        ("pools: [{name: a, retry_share: true}]", ["1:32 pools[0].retry_share wrong_type"]),
        ("pools: [", ["2:1  not_yaml"]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(source: str, said: list[str]) -> None:
    assert problems(source) == said


def test_another_spelling_is_guessed() -> None:
    with pytest.raises(PoolsInvalid, match="did you mean 'capabilities'"):
        prepare("pools: [{name: a, capabilitys: []}]")
    with pytest.raises(PoolsInvalid, match="did you mean 'web'"):
        prepare("pools: [{name: web}]\nroutes: [{topics: [x], pools: [wbe]}]")


def test_a_document_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools_reading, "MAX_BYTES", 30)
    assert problems("pools: [{name: abcdefghijklmnopqrstuvwxyz}]") == ["1:1  too_large"]
    many = {"pools": [{"name": f"p{number}"} for number in range(201)]}
    assert problems(msgspec.json.encode(many).decode()) == ["1:10 pools out_of_range"]
