"""Who may do what with which stream: what services follow, guard and own is what they are let to do."""

import pytest

from foldgate.contracts.access import GATEWAY, SERVICES, WORKER, access_of
from foldgate.contracts.topics import STREAMS, Stream
from foldgate.runtime.service import Service
from tests.support.suite import DOOR, OWNERS

ALL = {stream.name for stream in STREAMS}
EACH = [*OWNERS, *DOOR]


def test_every_service_is_named() -> None:
    assert {service.name for service in EACH} == set(SERVICES)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_an_open_stream_has_writers_and_only_an_open_one(stream: Stream) -> None:
    assert bool(stream.writers) == (stream.kind == "open")
    assert {*stream.writers, *stream.readers} <= {*SERVICES, WORKER}
    assert GATEWAY not in stream.readers, "it reads everything"
    assert stream.owner not in stream.readers or stream.kind == "relay"


@pytest.mark.parametrize("service", EACH, ids=lambda service: service.name)
def test_a_service_may_do_what_it_does(service: Service) -> None:
    access = access_of(service.name)
    follows = [follow for aggregate in service.aggregates for follow in aggregate.follows]
    tables = {make().stream.name for aggregate in service.aggregates for make in aggregate.tables}
    assert {aggregate.stream.name for aggregate in service.aggregates} <= access.appends <= access.reads
    assert {follow.stream.name for follow in follows} | tables <= access.reads
    guarded = {follow.stream.name for follow in follows if follow.guard and follow.stream.partitions > 1}
    assert guarded <= access.submits, "who guards a stream moves what lies on the wrong partition"
    assert "quarantine" in access.submits or not service.aggregates


def test_each_owned_stream_is_appended_to_by_one() -> None:
    appended = [name for service in SERVICES for name in access_of(service).appends]
    assert sorted(appended) == sorted(stream.name for stream in STREAMS if stream.kind == "owned")


def test_only_the_scheduler_relays_and_workers_read_it() -> None:
    assert [who for who in (*SERVICES, WORKER) if "dispatch.*" in access_of(who).submits] == ["scheduler"]
    worker = access_of(WORKER)
    assert (set(worker.appends), set(worker.submits), set(worker.reads)) == (
        set(),
        {"reports", "workers"},
        {"dispatch.*"},
    )


def test_the_gateway_reads_everything_and_owns_nothing() -> None:
    assert access_of(GATEWAY).reads == ALL
    assert not access_of(GATEWAY).appends


def test_nobody_else_may_do_anything() -> None:
    with pytest.raises(ValueError, match="Expected one of gateway, engine, policy_kernel, approval, scheduler, worker"):
        access_of("stranger")
