"""The pytest plugin: session fixtures for real servers, and a loud summary line where one was not to be had.

A server that is missing skips the tests that need it, and the end of the run says so in red. With
FOLDGATE_REQUIRE_<SERVER>=1, as CI has it, those tests fail instead. Where several processes run the tests, as with
pytest-xdist, a session is that of one of them: it has servers of its own, and tells who reports what it lacked.

To add a server: a session fixture that yields what `provided(request, "NAME", context)` yields.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import pytest
from _pytest.terminal import TerminalReporter

from foldgate.servers.kafka import KafkaCluster
from foldgate.servers.postgres import PostgresServer
from foldgate.testing import kafka, postgres

T = TypeVar("T")
_MISSING = pytest.StashKey[dict[str, str]]()
_TOLD = "foldgate_missing"
_UNAVAILABLE: tuple[type[Exception], ...] = (kafka.NoBroker, postgres.NoServer)


class _Worker(Protocol):
    """What pytest-xdist calls WorkerController, which need not be installed."""

    config: pytest.Config


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one broker for the whole session."""
    with provided(request, "KAFKA", kafka.broker(tmp_path_factory.mktemp("kafka"))) as bootstrap:
        yield bootstrap


@pytest.fixture
def kafka_cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaCluster]:
    """One node of the test's own, to pause, kill and restart."""
    with provided(request, "KAFKA", kafka.cluster(tmp_path / "kafka")) as cluster:
        yield cluster


@pytest.fixture
def kafka_trio(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaCluster]:
    """Three nodes of the test's own, every topic on all of them."""
    with provided(request, "KAFKA", kafka.cluster(tmp_path / "kafka", nodes=3)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_server_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one server for the whole session."""
    with provided(request, "POSTGRES", postgres.server(tmp_path_factory.mktemp("postgres"))) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    with postgres.database(postgres_server_url) as url:
        yield url


@pytest.fixture
def postgres_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresServer]:
    """A server of the test's own, to pause, kill and restart."""
    with provided(request, "POSTGRES", postgres.own_server(tmp_path / "postgres")) as server:
        yield server


@contextlib.contextmanager
def provided(request: pytest.FixtureRequest, server: str, context: AbstractContextManager[T]) -> Iterator[T]:
    """Enter a server's context; where there is none, skip and remember it, or fail if it is required."""
    with contextlib.ExitStack() as stack:
        try:
            value = stack.enter_context(context)
        except _UNAVAILABLE as error:
            _without(request, server, str(error))
        yield value


def _without(request: pytest.FixtureRequest, server: str, reason: str) -> NoReturn:
    request.config.stash.setdefault(_MISSING, {})[server] = reason
    if os.environ.get(f"FOLDGATE_REQUIRE_{server}") == "1":
        pytest.fail(f"FOLDGATE_REQUIRE_{server}=1, but: {reason}", pytrace=False)
    pytest.skip(f"no {server}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist: tell what is missing to the process that reports."""
    workeroutput: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput[_TOLD] = session.config.stash.get(_MISSING, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "_Worker", error: object) -> None:
    """In the process that reports: hear it. A worker that died told nothing."""
    del error
    told: dict[str, str] = getattr(node, "workeroutput", {}).get(_TOLD, {})
    node.config.stash.setdefault(_MISSING, {}).update(told)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Say what this run has not tested."""
    for server, reason in config.stash.get(_MISSING, {}).items():
        terminalreporter.section(f"{server} TESTS DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"No {server}: {reason}", red=True)
