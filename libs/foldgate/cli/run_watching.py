"""Shows a run as it goes on, folded from the log: a table that changes, or a line for each change, until it is over.

What is there at first is told as it stands; from then on each change of a step is told, also one that did not last.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Group
from rich.live import Live
from rich.text import Text

from foldgate.cli.asking import tell_end
from foldgate.cli.explaining import waits_of
from foldgate.cli.folding import FoldedRun, decider_of, folded_on
from foldgate.cli.published import published
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Seen
from foldgate.cli.run_history import following
from foldgate.cli.tailing import time_of_day
from foldgate.cli.telling import STYLES
from foldgate.cli.terminal import console, harmless, say, say_json, table
from foldgate.cli.words import lasted
from foldgate.contracts.topics import RUNS
from foldgate.runtime.clock import SystemClock

_UNBEGUN = "-"
_OVER = ("succeeded", "failed", "denied", "timed_out", "cancelled", "skipped", "refused")


class Row(NamedTuple):
    """A step as it stands; the run itself is the one without a name. `since` is when it came to stand so."""

    step: str
    status: str
    attempt: int = 0
    since: int = 0
    waits: str = ""


class Watched:
    """The run and its rows, after all that was taken so far."""

    def __init__(self, run_id: str, suite: Reached) -> None:
        self.run_id, self._suite = run_id, suite
        self.run: FoldedRun | None = None
        self.rows: dict[str, Row] = {}
        self._everything: list[Seen] = []
        self._order: tuple[str, ...] = ()

    async def take(self, events: list[Seen]) -> list[Row]:
        """What has changed by these events, in order: each status that a step had, and last what it waits for."""
        if not events:
            return []
        self._everything += events
        changed = []
        of_run = [seen for seen in events if seen.record.partition.stream == RUNS.name]
        # What is there at first is folded at once: only how it stands is a change.
        for part in [of_run] if self.run is None and of_run else [[seen] for seen in of_run]:
            before = self.rows
            await self._fold(part)
            changed += changes(before, self.rows)
        if self.run is None:
            return []
        now = with_waits(self.rows, self._waits())
        news = {row.step: now[row.step] for row in changes(self.rows, now)}
        told = latest_with(changed, news)
        self.rows = now
        return told

    async def _fold(self, events: list[Seen]) -> None:
        before = self.run
        decider = before.decider if before is not None else await decider_of(self._suite, RUNS)
        self.run = folded_on(before, events, run_id=self.run_id, decider=decider)
        if before is None and (digest := self.run.described.get("digest")):
            known = (await published(self._suite, tenant=self.run.tenant)).definitions.by_digest(digest)
            self._order = known.order if known is not None else ()
        self.rows = rows_of(self.run.described, self._order, at=events[-1].at, before=self.rows)

    def _waits(self) -> dict[str, str]:
        assert self.run is not None
        return {told.step: told.reason for told in waits_of(self.run, self._everything)}


def rows_of(
    described: Mapping[str, Any], order: Iterable[str], *, at: int, before: Mapping[str, Row]
) -> dict[str, Row]:
    """The run, then its steps in the order in which they can run, those of repeated bodies beside their first ones.
    What waits for something goes on doing so until its status changes."""
    known = described.get("steps", {})
    places = {step_id: place for place, step_id in enumerate(order)}
    there = sorted({**dict.fromkeys(places), **known}, key=lambda step: places.get(step.partition("[")[0], len(places)))
    status = str(described.get("status", ""))
    found = {"": Row("", status, 0, at)}
    for step_id in there:
        step = known.get(step_id, {})
        status, attempt = str(step.get("status", _UNBEGUN)), int(step.get("attempt") or 0)
        found[step_id] = Row(step_id, status, attempt, int(step.get("since") or 0))
    return {name: _kept(row, before.get(name)) for name, row in found.items()}


def _kept(row: Row, before: Row | None) -> Row:
    if before is not None and (before.status, before.attempt) == (row.status, row.attempt):
        return before
    return row


def with_waits(rows: Mapping[str, Row], waits: Mapping[str, str]) -> dict[str, Row]:
    """The rows with what they wait for."""
    return {name: row._replace(waits=waits.get(name, "")) for name, row in rows.items()}


def changes(before: Mapping[str, Row], after: Mapping[str, Row]) -> list[Row]:
    """The rows that are not as they were; a step that has not begun is no change."""
    return [row for name, row in after.items() if row != before.get(name) and row.status != _UNBEGUN]


def latest_with(changed: list[Row], news: Mapping[str, Row]) -> list[Row]:
    """The changes, the last of each step with what it waits for now; and those that only wait for something else."""
    last = {row.step: index for index, row in enumerate(changed)}
    told = [news.get(row.step, row) if last[row.step] == index else row for index, row in enumerate(changed)]
    return told + [row for name, row in news.items() if name not in last and row.waits]


async def watch_run(run_id: str, *, data: Path | None, as_json: bool) -> int:
    """Show a run until it is over; the exit code that goes with its end."""
    on_screen = console().is_terminal and not as_json
    async with opened(data) as suite, aclosing(following(suite, run_id)) as batches:
        watched = Watched(run_id, suite)
        with ExitStack() as shown:
            live = shown.enter_context(Live(console=console(), auto_refresh=False)) if on_screen else None
            async for events in batches:
                changed = await watched.take(events)
                if live is not None:
                    live.update(drawn(watched.run_id, watched.rows, now=SystemClock().now_ms()), refresh=True)
                for row in changed if live is None else ():
                    _tell(run_id, row, as_json=as_json)
    run = watched.run
    assert run is not None
    assert run.end is not None
    assert run.end.event is not None
    return tell_end(run_id, run.end.event, as_json=as_json)


def _tell(run_id: str, row: Row, *, as_json: bool) -> None:
    if as_json:
        say_json({"run_id": run_id, **row._asdict()})
    else:
        say(line_of(row))


def line_of(row: Row) -> Text:
    """A change, as a line."""
    line = Text.assemble((f"{time_of_day(row.since)}  ", "dim"))
    line.append(harmless(row.step or "the run", most=60), style="bold" if row.step else "bold magenta")
    line.append(f"  {row.status}", style=STYLES.get(row.status, ""))
    line.append(f", attempt {row.attempt}" if row.attempt > 1 else "")
    line.append(f"  {harmless(row.waits, most=200)}" if row.waits else "", style="dim")
    return line


def drawn(run_id: str, rows: Mapping[str, Row], *, now: int) -> Group:
    """All of it, for a terminal."""
    shown = table("step", "status", "#attempt", "#for", "what it waits for")
    for row in rows.values():
        if row.step:
            goes_on = row.status not in (*_OVER, _UNBEGUN)
            shown.add_row(
                harmless(row.step, most=60),
                row.status,
                str(row.attempt or ""),
                lasted(max(0, now - row.since)) if goes_on and row.since else "",
                harmless(row.waits, most=100),
                style=STYLES.get(row.status, "dim" if row.status == _UNBEGUN else ""),
            )
    whole = rows.get("", Row("", "is asked for"))
    head = Text.assemble((harmless(run_id), "bold magenta"), f" {whole.status}  {harmless(whole.waits, most=100)}")
    return Group(head, shown)
