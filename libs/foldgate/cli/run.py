"""`foldgate run …`: start runs, look at them, and ask things of them."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data, Tenant
from foldgate.cli.mistakes import AskedWrongly

commands = typer.Typer(
    help="Start runs, look at them, and ask things of them.", no_args_is_help=True, rich_markup_mode="markdown"
)

Run = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")]
Body = Annotated[str, typer.Option("--input", metavar="JSON", help="The input, or @FILE to read it from.")]
Key = Annotated[
    str,
    typer.Option(
        "--key", metavar="IDEMPOTENCY_KEY", help="The same key means the same run, however often it is asked for."
    ),
]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="A label; may be repeated.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end of the run.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="With --wait: give up after so long.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and ask for nothing.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who read it later.")]


@commands.command("start")
def start(
    workflow: Annotated[str, typer.Argument(help="The id of a workflow.")],
    body: Body = "{}",
    version: Annotated[str, typer.Option("--version", help="The version to run. Default: the latest.")] = "",
    key: Key = "",
    label: Labels = None,
    wait: Wait = False,
    timeout_s: Timeout = None,
    dry_run: DryRun = False,
    tenant: Tenant = "default",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Start a run of a workflow; prints its id.

    With --wait the exit code is 0 if the run succeeded, and 1 if it ended in any other way.
    """
    from foldgate.cli import finding
    from foldgate.cli.asking import labels_of, parsed
    from foldgate.cli.starting import plan_one, start_one

    payload, labels = parsed(body, "--input"), labels_of(label or [])
    if dry_run:
        plan = plan_one(
            workflow, payload, version=version, key=key, labels=labels, tenant=tenant, data=data, as_json=as_json
        )
        finding.run(plan)
        return
    work = start_one(
        workflow,
        payload,
        version=version,
        key=key,
        labels=labels,
        wait=wait,
        timeout_s=timeout_s,
        tenant=tenant,
        data=data,
        as_json=as_json,
    )
    raise typer.Exit(finding.run(work))


@commands.command("job")
def job(
    topic: Annotated[str, typer.Argument(help="What kind of work it is, such as job.echo.")],
    body: Body = "{}",
    key: Key = "",
    wait: Wait = False,
    timeout_s: Timeout = None,
    tenant: Tenant = "default",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Start a run of one step.

    With --wait the exit code is 0 if the run succeeded and 1 if it failed, was denied or was refused.
    """
    from foldgate.cli import finding
    from foldgate.cli.asking import parsed
    from foldgate.cli.starting import start_job

    payload = parsed(body, "--input")
    work = start_job(topic, payload, key=key, wait=wait, timeout_s=timeout_s, tenant=tenant, data=data, as_json=as_json)
    raise typer.Exit(finding.run(work))


@commands.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    workflow: Annotated[str, typer.Option("--workflow", metavar="ID", help="Only runs of this workflow.")] = "",
    tenant: Tenant = "default",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """The latest runs, the newest first, read from the log itself."""
    from foldgate.cli import finding
    from foldgate.cli.run_listing import print_latest

    finding.run(print_latest(limit, workflow=workflow, tenant=tenant, data=data, as_json=as_json))


@commands.command("show")
def show(run: Run, data: Data = None, as_json: AsJson = False) -> None:
    """A run as it stands: its steps, its values, and how it ended. `foldgate timeline` has all that happened in it."""
    from foldgate.cli import finding
    from foldgate.cli.run_showing import print_run

    finding.run(print_run(run, data=data, as_json=as_json))


@commands.command("watch")
def watch(run: Run, data: Data = None, as_json: AsJson = False) -> None:
    """A run as it goes on, until it is over: each step's status, attempt, time, and what it waits for.

    On a terminal that is a table that changes; elsewhere, and with --json, a line for each change. The exit code is
    0 if the run succeeded, and 1 if it ended in any other way.
    """
    from foldgate.cli import finding
    from foldgate.cli.run_watching import watch_run

    raise typer.Exit(finding.run(watch_run(run, data=data, as_json=as_json)))


@commands.command("cancel")
def cancel(run: Run, reason: Reason = "", data: Data = None, as_json: AsJson = False) -> None:
    """Call a run back: what is under way is told to stop, nothing more is begun."""
    _control("cancel", run, reason=reason, data=data, as_json=as_json)


@commands.command("pause")
def pause(run: Run, reason: Reason = "", data: Data = None, as_json: AsJson = False) -> None:
    """Let a run begin nothing new; what is under way goes on."""
    _control("pause", run, reason=reason, data=data, as_json=as_json)


@commands.command("resume")
def resume(run: Run, reason: Reason = "", data: Data = None, as_json: AsJson = False) -> None:
    """Let a paused run go on."""
    _control("resume", run, reason=reason, data=data, as_json=as_json)


def _control(what: str, run: str, *, reason: str, data: Data, as_json: bool) -> None:
    from foldgate.cli import finding
    from foldgate.cli.controlling import control

    raise typer.Exit(finding.run(control(what, run, reason=reason, data=data, as_json=as_json)))


@commands.command("signal")
def signal(
    run: Run,
    name: Annotated[str, typer.Argument(help="The name that a step waits for.")],
    payload: Annotated[str, typer.Option("--payload", metavar="JSON", help="The payload, or @FILE.")] = "null",
    key: Annotated[str, typer.Option("--key", help="The same key means the same signal, however often sent.")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Send a signal to a run; it waits there for the step that wants it."""
    from foldgate.cli import finding
    from foldgate.cli.asking import parsed
    from foldgate.cli.controlling import signal as send

    if not name:
        raise AskedWrongly("Expected the name of a signal, but it is empty.")
    work = send(run, name, parsed(payload, "--payload"), key=key, data=data, as_json=as_json)
    raise typer.Exit(finding.run(work))


@commands.command("rerun")
def rerun(
    run: Run,
    step: Annotated[
        str, typer.Option("--from", metavar="STEP", help="The step to begin with; all after it runs anew.")
    ],
    latest: Annotated[
        bool, typer.Option("--latest", help="Use the workflow's latest version, not the run's own.")
    ] = False,
    key: Key = "",
    wait: Wait = False,
    timeout_s: Timeout = None,
    dry_run: DryRun = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Run a run again from a step: a new run, which takes over input, values and all that succeeded upstream of it.

    A step inside a group means the whole group. The old run stays as it ended.
    """
    from foldgate.cli import finding
    from foldgate.cli.rerunning import rerun_one

    work = rerun_one(
        run, step, latest=latest, key=key, dry_run=dry_run, wait=wait, timeout_s=timeout_s, data=data, as_json=as_json
    )
    raise typer.Exit(finding.run(work))
