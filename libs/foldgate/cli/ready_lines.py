"""What `foldgate up` says once everything works: where it is, how to try it, how to stop it, and what to know of it."""

from pathlib import Path

from rich.text import Text

from foldgate.cli.plan import Plan
from foldgate.cli.terminal import say, say_json
from foldgate.cli.up_file import Suite
from foldgate.servers.folder import data_folder


def tell_ready(plan: Plan, suite: Suite, *, policy: str, took_ms: int, as_json: bool) -> None:
    """The ready lines, with the words about its policy, or for programs what `up.json` says."""
    if as_json:
        say_json(suite)
        return
    say(Text.assemble(("Foldgate is up", "bold green"), f" at {suite.url}, after {took_ms / 1000:.1f} s."))
    for name, text in _facts(plan, suite):
        say(Text.assemble((f"  {name:<8}", "dim"), text))
    say(policy, style="yellow")


_JOB = '{"topic": "job.echo"}'


def _facts(plan: Plan, suite: Suite) -> list[tuple[str, str]]:
    where = "" if plan.data == data_folder() else f" --data {plan.data}"
    hosting = "each service in its own process" if plan.processes else "all services in one process"
    log = f"Kafka at {suite.kafka}" if suite.kafka else "PostgreSQL"
    return [
        ("runs", f"{hosting}, the log in {log}"),
        ("data", f"{shown(plan.data)}  (logs in {shown(plan.logs)})"),
        ("try", f"foldgate worker{where} examples/echo_worker.py"),
        ("", f'foldgate run job{where} job.echo --input \'{{"hello": "world"}}\' --wait'),
        ("", f"curl -H \"X-API-Key: $(cat {shown(plan.data)}/api-key)\" {suite.url}/api/v1/jobs -d '{_JOB}'"),
        ("look", f"foldgate streams list{where}    foldgate doctor{where}"),
        ("stop", f"Ctrl-C, or kill {suite.pid}"),
    ]


def shown(path: Path) -> str:
    """A path as people write it."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
