"""The built-in worker, as an ordinary one with handlers for kinds of steps."""

from collections.abc import Iterable, Mapping

from foldgate.runtime.clock import SystemClock
from foldgate.sdk.builtin.requests import HttpTerms, Requests
from foldgate.sdk.builtin.scripts import Scripts, ScriptTerms
from foldgate.sdk.secret_references import Environment
from foldgate.sdk.worker import Worker

HTTP, SCRIPT = "http", "script"
KINDS = (HTTP, SCRIPT)


def builtin_worker(
    name: str,
    *,
    http: HttpTerms | None = None,
    scripts: ScriptTerms | None = None,
    pool: str = "default",
    max_parallel: int = 8,
    capabilities: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
    secrets: Iterable[str] = (),
) -> Worker:
    """A worker for `http` steps, `script` steps or both. `secrets` are patterns of the variables that inputs may refer
    to: none, unless it is said, since whoever starts runs says also where a request goes. Raises WorkerUnfit."""
    worker = Worker(
        name,
        pool=pool,
        max_parallel=max_parallel,
        capabilities=capabilities,
        labels=labels,
        resolver=Environment(secrets),
    )
    if http is not None:
        worker.kind(HTTP)(Requests(http, clock=SystemClock()))
    if scripts is not None:
        worker.kind(SCRIPT)(Scripts(scripts))
    return worker
