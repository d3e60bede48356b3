"""Shows one run as it stands, folded from its own stream."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from foldgate.cli.folding import FoldedRun, folded
from foldgate.cli.reaching import opened
from foldgate.cli.reading import Seen
from foldgate.cli.telling import STYLES, told
from foldgate.cli.terminal import console, harmless, say, say_json, table
from foldgate.cli.words import moment

_MOST = 300


async def print_run(run_id: str, *, data: Path | None, as_json: bool) -> None:
    """Print a run."""
    async with opened(data) as suite:
        run = await folded(suite, run_id)
    if as_json:
        say_json(_as_object(run))
    else:
        _print(run)


def _as_object(run: FoldedRun) -> dict[str, Any]:
    end = run.end
    times = {"started_at": moment(run.events[0].at), "ended_at": moment(end.at) if end else None}
    how = {"event": type(end.event).__name__, **msgspec.to_builtins(end.event)} if end else None
    return {"run_id": run.run_id, **run.described, **times, "events": len(run.events), "end": how}


def _print(run: FoldedRun) -> None:
    described = run.described
    status = str(described.get("status", ""))
    say(f"{harmless(run.run_id)} {status}", style=STYLES.get(status, ""))
    for name, value in _facts(run, described):
        say(f"  {name:<9}  {harmless(value, most=_MOST)}")
    if steps := described.get("steps", {}):
        console().print(_table({step_id: steps[step_id] for step_id in _as_begun(run, steps)}))


def _facts(run: FoldedRun, described: Mapping[str, Any]) -> list[tuple[str, str]]:
    started, end = run.started, run.end
    what = f"{started.workflow} {started.version}".rstrip() if started else "nothing"
    facts = [("workflow", f"{what} ({started.topic})" if started and started.topic else what)]
    facts += [("digest", started.digest)] if started and started.digest else []
    facts += [("input", started.input)] if started else []
    facts += [("labels", " ".join(f"{k}={v}" for k, v in started.labels.items()))] if started and started.labels else []
    if started and started.rerun:
        facts.append(("rerun of", f"{started.rerun.run_id} from {started.rerun.from_step}"))
    if started and started.ancestors:
        facts.append(("child of", f"{started.ancestors[-1].run_id}, step {started.parent_step}"))
    facts += [("ctx", _json(described["ctx"]))] if described.get("ctx") else []
    facts.append(("started", moment(run.events[0].at)))
    if end is not None and end.event is not None:
        facts += [("ended", f"{moment(end.at)} after {(end.at - run.events[0].at) / 1000:.3f} s")]
        facts += [("end", told(end.event, most=_MOST))]
    else:
        facts.append(("waits", f"see `foldgate why {run.run_id}`"))
    return facts


def _as_begun(run: FoldedRun, steps: Mapping[str, Any]) -> list[str]:
    """The steps in the order in which they were first heard of; what was taken over from another run comes first."""
    heard = {step: place for place, step in reversed(list(enumerate(map(_step_of, run.events))))}
    return sorted(steps, key=lambda step_id: heard.get(step_id, -1))


def _step_of(seen: Seen) -> str:
    return str(getattr(getattr(seen.event, "job", seen.event), "step", ""))


def _table(steps: Mapping[str, Mapping[str, Any]]) -> Any:
    shown = table("step", "status", "#attempt", "since", "what came of it")
    for step_id, step in steps.items():
        status = str(step.get("status", ""))
        shown.add_row(
            harmless(step_id, most=60),
            status,
            str(step.get("attempt") or ""),
            moment(step.get("since")),
            harmless(_came_of(step), most=100),
            style=STYLES.get(status, ""),
        )
    return shown


def _came_of(step: Mapping[str, Any]) -> str:
    if isinstance(error := step.get("error"), Mapping):
        return ": ".join(str(error[name]) for name in ("code", "message") if error.get(name))
    return _json(step["output"]) if "output" in step else str(step.get("reason", ""))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
