"""Builds read models anew from the log, while the builds that are live go on serving."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.plan import services
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import console, note, say, say_json
from foldgate.readmodel.projection import Projection

Told = Callable[[int, int], None]


async def rebuild(names: Sequence[str], *, data: Path | None, as_json: bool) -> None:
    """Build these anew, or all; one that was broken off before is gone on with."""
    from foldgate.readmodel.postgres import ReadModels
    from foldgate.readmodel.projector import Projector
    from foldgate.runtime.projecting import LogSource

    wanted = _named(names)
    async with opened(data) as suite:
        if suite.settings.postgres is None:
            raise AskedWrongly("Expected FOLDGATE_POSTGRES, where the read models are, but it is not set.")
        models = await ReadModels.connect(suite.settings.postgres, suite=suite.settings.suite)
        try:
            for projection in wanted:
                with _bar(projection.name) as told:
                    await Projector(models, LogSource(suite.log, suite.codec), projection).rebuild(told)
                number = (await models.begin(projection)).number
                if as_json:
                    say_json({"read_model": projection.name, "build": number})
                else:
                    say(f"{projection.name}: build {number} is live")
        finally:
            await models.close()


def _named(names: Sequence[str]) -> list[Projection]:
    known = {projection.name: projection for service in services() for projection in service.projections}
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known))
            raise AskedWrongly(f"Expected one of the read models {there}, but got '{name[:60]}'.")
    return [known[name] for name in dict.fromkeys(names or sorted(known))]


@contextmanager
def _bar(name: str) -> Iterator[Told]:
    """A bar on a terminal, a line elsewhere, beside the result."""
    if not console(stderr=True).is_terminal:
        note(f"reading the log for {name} …")
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task = shown.add_task(name, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
