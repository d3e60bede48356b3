"""The doctor says what is wrong with the servers, and what to do about it."""

import asyncio

import asyncpg
import pytest

from foldgate.cli.diagnosis import Finding
from foldgate.cli.server_checks import _kafka_settings, check_kafka, check_postgres
from foldgate.servers.postgres import PostgresServer
from tests.support.commands import foldgate
from tests.support.suite import settings
from tests.support.waiting import until

AS_IT_SHOULD_BE = {"brokers": "3", "min.insync.replicas": "2", "group.min.session.timeout.ms": "6000"}


async def durability(url: str) -> Finding:
    return next(one for one in await check_postgres(settings(postgres=url)) if one.check == "durability")


async def test_a_database_that_may_lose_what_it_acknowledged(postgres_server: PostgresServer) -> None:
    async with asyncio.timeout(60):
        assert (await durability(postgres_server.url)).state == "ok"
        connection = await asyncpg.connect(postgres_server.url)
        try:
            await connection.execute("ALTER SYSTEM SET full_page_writes = off")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close()

        async def told() -> bool:
            found = await durability(postgres_server.url)
            return (found.state, found.found) == ("bad", "PostgreSQL has full_page_writes off")

        await until(told, what="the doctor to see the setting")
        assert (await durability(postgres_server.url)).advice


async def test_a_broker_as_it_is(kafka_bootstrap: str) -> None:
    found = {one.check: one for one in await check_kafka(settings(kafka=kafka_bootstrap))}
    assert found["kafka"].state == "ok"
    assert (found["durability"].state, found["durability"].found) == ("warn", "1 broker(s)")


@pytest.mark.parametrize(
    ("changed", "wrong", "said"),
    [
        ({}, [], "3 brokers"),
        ({"unclean.leader.election.enable": "true"}, ["durability"], "unclean.leader.election.enable on"),
        ({"min.insync.replicas": "1"}, ["durability"], "min.insync.replicas=1"),
        ({"group.min.session.timeout.ms": "60000"}, ["membership"], "below 60000 ms"),
    ],
)
def test_a_cluster_that_is_not_as_it_should_be(changed: dict[str, str], wrong: list[str], said: str) -> None:
    found = list(_kafka_settings({**AS_IT_SHOULD_BE, **changed}, session_ms=10_000))
    assert [one.check for one in found if one.state == "bad"] == wrong
    assert any(said in one.found for one in found)
    assert all(bool(one.advice) == (one.state != "ok") for one in found)


@pytest.mark.parametrize(
    ("variable", "where", "what"),
    [
        ("FOLDGATE_POSTGRES", "postgresql://nobody@127.0.0.1:1/nothing", "postgres"),
        ("FOLDGATE_KAFKA", "127.0.0.1:1", "kafka"),
    ],
)
def test_a_server_that_is_not_there_is_one_finding(variable: str, where: str, what: str) -> None:
    done = foldgate("doctor", settings={variable: where})
    assert done.returncode == 1
    told = [line for line in done.stdout.splitlines() if line.startswith("bad")]
    assert [line.split()[1] for line in told] == [what, "log"]
    assert done.stdout.count("Start it, or correct its address; then look again.") == len(told)
    assert "Traceback" not in done.stdout + done.stderr
