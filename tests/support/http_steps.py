"""`http` steps of the built-in worker, with names that stand for what a test says."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from foldgate.runtime.clock import SystemClock
from foldgate.sdk import Environment, Worker
from foldgate.sdk.builtin.requests import HttpTerms, Requests
from foldgate.sdk.testing import Outcome, handle
from tests.support.web import Web

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


class Names:
    """What names stand for: one answer after the other, the last for ever."""

    def __init__(self, **known: Sequence[Sequence[str]]) -> None:
        self._known = {name.replace("_", "."): list(answers) for name, answers in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        del port
        self.asked.append(host)
        if host in self._known:
            answers = self._known[host]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None


def names() -> Names:
    return Names(example_com=[["127.0.0.1"]], example_org=[["127.0.0.1"]])


def worker(terms: HttpTerms | None = None, *, resolve: Names | None = None) -> Worker:
    made = Worker("web", resolver=Environment(["TOLD_*"]))
    terms = terms or HttpTerms(networks=LOOPBACK)
    made.kind("http")(Requests(terms, clock=SystemClock(), resolve=resolve or names()))
    return made


async def ask(
    given: Any,
    *,
    terms: HttpTerms | None = None,
    resolve: Names | None = None,
    constraints: dict[str, Any] | None = None,
    cancel_after: float | None = None,
) -> Outcome:
    """What becomes of one `http` step."""
    return await handle(
        worker(terms, resolve=resolve),
        "job.flow.call",
        given,
        constraints=constraints,
        cancel_after=cancel_after,
        asked={"kind": "http"},
    )


def at(site: Web, path: str = "/ok", *, host: str = "example.com") -> str:
    return f"http://{host}:{site.port}{path}"
