"""Shows who is there to do jobs, as the scheduler knows them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli.pools_known import Pool, known, pools
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import console, harmless, say_json, table
from foldgate.cli.words import moment
from foldgate.runtime.clock import SystemClock


class Worker(NamedTuple):
    """A worker of a pool, and what the scheduler says of it."""

    endpoint: str
    pool: str
    said: Mapping[str, Any]
    beat_at: int

    def as_object(self) -> dict[str, Any]:
        """As programs get it."""
        said = {name: value for name, value in self.said.items() if name != "expires_at"}
        return {"worker": self.endpoint, "pool": self.pool, **said, "beat_at": moment(self.beat_at)}


async def print_workers(*, pool: str, data: Path | None, as_json: bool) -> None:
    """Every worker; or those of one pool."""
    async with opened(data) as suite:
        found, lease_ms = await pools(suite, await known(suite)), suite.settings.lease_ms
    workers = [worker for one in found if pool in ("", one.name) for worker in workers_of(one, lease_ms)]
    if as_json:
        say_json([worker.as_object() for worker in workers])
    else:
        print_table(workers)


def workers_of(pool: Pool, lease_ms: int) -> list[Worker]:
    """Who works there, by name. A lease ends so long after the last beat that was noted."""
    each = sorted(pool.described["each"].items())
    return [Worker(endpoint, pool.name, said, said["expires_at"] - lease_ms) for endpoint, said in each]


def print_table(workers: Iterable[Worker]) -> None:
    """A line each."""
    shown, now = table("worker", "pool", "topics", "capabilities", "#in flight", "#cpu", "#gpu", "#last beat"), _now()
    for worker in workers:
        style = "yellow" if worker.said["leaving"] else None
        shown.add_row(*_row(worker, now), style=style)
    console().print(shown)


def _row(worker: Worker, now: int) -> tuple[str, ...]:
    said = worker.said
    flight = f"{said['held']}/{said['max_parallel']}" + (" leaving" if said["leaving"] else "")
    named = (", ".join(said["topics"]) or "any", ", ".join(said["capabilities"]) or "none")
    return (
        harmless(worker.endpoint, most=50),
        harmless(worker.pool, most=30),
        *(harmless(one, most=40) for one in named),
        flight,
        _percent(said["cpu_percent"]),
        _percent(said["gpu_percent"]),
        f"{max(0, now - worker.beat_at) / 1000:.1f} s ago",
    )


def _percent(value: int) -> str:
    return "" if value < 0 else f"{value} %"


def _now() -> int:
    return SystemClock().now_ms()
