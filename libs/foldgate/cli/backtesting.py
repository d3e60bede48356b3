"""Tells what the decisions of the last days would have been under a bundle that is not active yet.

All of it is read from the log and decided here, in a process of its own: no service is asked, and none is slowed down.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from foldgate.authority.backtest import Backtest, Backtested, Change
from foldgate.authority.snapshot import Snapshot
from foldgate.cli.policy_documents import as_version, bundles_in
from foldgate.cli.policy_history import history
from foldgate.cli.policy_trying import NoBundle
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Reading, Seen, StreamReader
from foldgate.cli.terminal import console, harmless, note, say, say_json, table
from foldgate.contracts.events import PolicyVersion
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import DECISIONS, RUNS
from foldgate.runtime.clock import SystemClock

DAY_MS = 24 * 60 * 60 * 1000
_EVERY = 500


async def print_backtest(file: str, *, days: float, data: Path | None, as_json: bool) -> None:
    """Print what would change."""
    bundles = bundles_in([file], as_json=as_json)
    if bundles is None:
        raise NoBundle("Expected a bundle of rules, but there are mistakes in it.")
    [(_, prepared)] = bundles
    async with opened(data) as suite:
        snapshot = await _with(as_version(prepared), suite)
        since = SystemClock().now_ms() - int(days * DAY_MS)
        found = await backtested(suite, Backtest(snapshot, since=since))
    if as_json:
        say_json(found)
    else:
        _print(found, prepared.bundle, days)


async def backtested(suite: Reached, backtest: Backtest) -> Backtested:
    """Let it hear all that is on the log as of now."""
    places = [Partition(stream.name, number) for stream in (RUNS, DECISIONS) for number in range(stream.partitions)]
    ends = sum([await suite.log.end(place) for place in places])
    with _bar(ends) as advance:
        async for seen in _heard(suite, places):
            advance()
            if seen.accepted and seen.meta is not None and seen.event is not None:
                backtest.add(seen.meta, seen.event)
    return backtest.result()


async def _with(draft: PolicyVersion, suite: Reached) -> Snapshot:
    """What is active, with the draft in the place of what is active of its bundle."""
    return (await history(suite)).with_([draft], default_decision="deny")


def _heard(suite: Reached, places: list[Partition]) -> AsyncIterator[Seen]:
    readings = [Reading(place, suite.codec, begin=START, owned=True) for place in places]
    return StreamReader(suite.log, readings, dict.fromkeys(places, 0)).there()


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, a line elsewhere; advanced by one record at a time."""
    if not console(stderr=True).is_terminal:
        note(f"reading {total:,} records …")
        yield lambda: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("deciding again"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task, done = shown.add_task("", total=total), 0

        def advance() -> None:
            nonlocal done
            done += 1
            if done % _EVERY == 0:
                shown.update(task, completed=done)

        yield advance


def _print(found: Backtested, bundle: str, days: float) -> None:
    of = f"{found.decisions:,} decisions of {found.runs:,} runs in {days:g} days"
    if not found.decisions:
        say(f"No decision was made in {days:g} days: there is nothing to compare.")
        return
    style = "yellow" if found.changed else "green"
    say(f"With {harmless(bundle)} as it is here, of {of} {found.changed:,} would be others.", style=style)
    say(f"  {found.same:,} the same · {found.changed:,} changed · {found.unknown:,} unknown", style="dim")
    if found.unknown:
        say("  Unknown is what followed in a run after its first change: it might never have been asked.", style="dim")
    if found.aside:
        say(f"  {found.aside:,} were made by no bundle, and are left aside.", style="dim")
    if found.changes:
        shown = table("#times", "was", "by", "would be", "by", "such as")
        for change in found.changes:
            shown.add_row(*_row(change))
        console().print(shown)


def _row(change: Change) -> tuple[str, ...]:
    texts = (change.was, change.was_rule, change.would_be, change.rule, *change.examples[:1])
    return (f"{change.times:,}", *(harmless(text, most=60) for text in texts))
