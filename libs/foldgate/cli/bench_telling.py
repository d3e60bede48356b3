"""What `foldgate bench` found, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from foldgate.cli.terminal import console, say

_WHAT = {
    "bench-1": "a run of 1 step",
    "bench-3": "a run of 3 steps",
    "bench-9": "a run of 9 steps",
    "bench-fan": "a run of 100 steps at once",
}


def tell(machine: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> None:
    """A table: a row for each figure, a column for each setting."""
    from rich.table import Table

    table = Table("", *(f"{one['driver']}, {'five processes' if one['apart'] else 'one process'}" for one in found))
    for workflow, what in _WHAT.items():
        table.add_row(f"{what}: p50 / p95 / p99", *(_times(one["milliseconds"][workflow]) for one in found))
    table.add_row("steady, 100 runs at once", *(f"{one['steady']['steps_per_second']:,.0f} steps/s" for one in found))
    table.add_row("events of a step", *(f"{one['steady']['events_per_step']:g}" for one in found))
    for name in dict.fromkeys(name for one in found for name in one["steady"]["cpu_us_per_step"]):
        given = [one["steady"]["cpu_us_per_step"].get(name) for one in found]
        table.add_row(f"processor time of a step, {name}", *map(_cost, given))
    table.add_row("the log alone", *(f"{one['log_alone']['events_per_second']:,} events/s" for one in found))
    table.add_row("the suite's share of that", *(f"{one['log_alone']['suite_share']:.1%}" for one in found))
    console().print(table)
    say("Machine: " + ", ".join(f"{name} {value}" for name, value in machine.items()))


def _cost(us: int | None) -> str:
    return "-" if us is None else f"{us / 1000:,.2f} ms"


def _times(shares: Mapping[str, float]) -> str:
    return f"{' / '.join(f'{value:,.1f}' for value in shares.values())} ms"
