"""Pools and workers on the command line: what is shown of them, and what is told of a change."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from foldgate.authority.pools_reading import prepare
from foldgate.authority.pools_terms import PoolTerms
from foldgate.cli.pools_changing import put_document, tell
from foldgate.cli.pools_known import NOBODY, Pool
from foldgate.cli.pools_showing import _row, _terms, document
from foldgate.cli.terminal import console
from foldgate.cli.workers_showing import print_table, workers_of
from foldgate.contracts.events import CaseClosed, PoolsRefused
from tests.support.layouts import TWO, closed, layout, opened, published

SAID: dict[str, Any] = {
    "name": "w",
    "topics": ["job.a"],
    "capabilities": [],
    "labels": {},
    "max_parallel": 8,
    "held": 2,
    "cpu_percent": 40,
    "gpu_percent": -1,
    "expires_at": 20_000,
    "leaving": False,
}


@pytest.fixture(autouse=True)
def fresh_console(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Printed where this test looks, and nowhere that is gone when the next one prints."""
    del capsys
    console.cache_clear()
    yield
    console.cache_clear()


def test_the_document_that_is_shown_means_what_was_put() -> None:
    pools: list[dict[str, Any]] = [
        {
            "name": "sre",
            "capabilities": ["ssh"],
            "labels": {"zone": "eu"},
            "age_step": "5s",
            "limits": [{"key": "tenant", "per_minute": 3}],
        },
        {"name": "default"},
    ]
    prepared = prepare(msgspec.json.encode(layout(pools, ("job.*", ["sre", "default"]))))
    shown = yaml.safe_dump(document(prepared.layout), sort_keys=False)
    assert prepare(shown) == prepared
    assert shown.startswith("pools:\n- name: sre\n")


def test_a_pool_is_a_line_and_an_object() -> None:
    pool = Pool("sre", PoolTerms(name="sre", capabilities=("ssh",)), "draining", {**NOBODY, "waiting": 3})
    assert _row(pool) == ("sre", "draining", "ssh", "all", "0", "0", "0", "3")
    shown = pool.as_object()
    assert (shown["open"], shown["reason"], shown["waiting"], "each" in shown) == (False, "draining", 3, False)
    assert (shown["terms"]["capabilities"], shown["words"]) == (["ssh"], "")
    said = pool._replace(words="new machines")
    assert (_row(said)[1], said.as_object()["words"]) == ("draining: new machines", "new machines")
    other = Pool("gpu", None, "", NOBODY)
    assert _row(other)[:4] == ("gpu", "open", "any", "all")
    assert (other.as_object()["terms"], other.as_object()["open"]) == (None, True)


def test_the_terms_of_a_pool_are_told_one_a_line() -> None:
    [terms] = prepare("pools: [{name: a, labels: {zone: eu}, limits: [{key: tenant, max_concurrent: 2}]}]").layout.pools
    lines = _terms(terms)
    assert "labels           zone=eu" in lines
    assert "capabilities     -" in lines
    assert lines[-1] == "limit            key=tenant, max_concurrent=2"


def test_workers_are_shown_with_what_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"w/2": {**SAID, "leaving": True, "topics": [], "capabilities": ["docker"]}, "w/1": SAID}
    workers = workers_of(Pool("sre", None, "", {**NOBODY, "each": said}), 12_000)
    assert [worker.endpoint for worker in workers] == ["w/1", "w/2"]
    shown = workers[0].as_object()
    assert (shown["worker"], shown["pool"], shown["held"]) == ("w/1", "sre", 2)
    assert shown["beat_at"] == "1970-01-01T00:00:08Z"
    print_table(workers)
    first, second = capsys.readouterr().out.rstrip().splitlines()[-2:]
    assert first.split()[:7] == ["w/1", "sre", "job.a", "none", "2/8", "40", "%"]
    assert second.split()[:6] == ["w/2", "sre", "any", "docker", "2/8", "leaving"]


def test_what_came_of_a_change_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(published(TWO, revision=3), as_json=False)
    assert tell(closed("sre", 4), as_json=False)
    assert tell(replace(closed("sre", 4), words="new machines"), as_json=False)
    assert tell(opened("sre", 5), as_json=False)
    assert tell(CaseClosed(status="over"), as_json=False)
    refused = PoolsRefused(request="r", code="invalid", reason="Expected …, but …", problems=("line 1",))
    assert not tell(refused, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "Revision 3 holds, with 1 route: sre, default.",
        "sre takes no more jobs: draining.",
        "sre takes no more jobs: draining (new machines).",
        "sre takes jobs.",
        "over",
        "invalid: Expected …, but …",
        "  line 1",
    ]
    assert tell(published(TWO), as_json=True)
    assert not tell(refused, as_json=True)
    first, second = map(msgspec.json.decode, capsys.readouterr().out.splitlines())
    assert (first["status"], first["revision"], "document" in first) == ("published", 1, False)
    assert (second["status"], second["code"]) == ("refused", "invalid")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_document_with_mistakes_is_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    file = tmp_path / "pools.yaml"
    file.write_text("pools:\n  - {name: a, capability: []}\n")
    put = put_document(str(file), reason="", revision=None, by="ada", data=tmp_path, as_json=as_json)
    assert asyncio.run(put) is False
    out = capsys.readouterr().out
    if as_json:
        assert msgspec.json.decode(out)["problems"][0]["line"] == 2
    else:
        assert out.startswith(f"{file}:2:15: pools[0].capability: Expected a known key, but got 'capability'; did you")
