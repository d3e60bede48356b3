"""`foldgate run …`: ask for runs, and wait for what becomes of them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from foldgate.cli.finding import AsJson, Data
from foldgate.cli.mistakes import FAILED, AskedWrongly, CannotGoOn

commands = typer.Typer(help="Ask for runs.", no_args_is_help=True, rich_markup_mode="markdown")


class StillRunning(CannotGoOn):
    """The run has not ended in the time that was given."""


@commands.callback()
def runs() -> None:
    """Makes `job` a command of its own, while it is the only one."""


@commands.command("job")
def job(
    topic: Annotated[str, typer.Argument(help="What kind of work it is, such as job.echo.")],
    body: Annotated[str, typer.Option("--input", metavar="JSON", help="The input, or @FILE to read it from.")] = "{}",
    key: Annotated[
        str,
        typer.Option(metavar="IDEMPOTENCY_KEY", help="The same key means the same run, however often it is asked for."),
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the run.")] = False,
    timeout_s: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="With --wait: give up after so long.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Start a run of one step.

    With --wait the exit code is 0 if the run succeeded and 1 if it failed, was denied or was refused.
    """
    from foldgate.cli import finding

    code = finding.run(_job(topic, _parsed(body), key=key, wait=wait, timeout_s=timeout_s, data=data, as_json=as_json))
    raise typer.Exit(code)


def _parsed(text: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except msgspec.DecodeError as error:
        raise AskedWrongly(f"Expected --input to be JSON, such as '{{\"a\": 1}}', but: {error}.") from None
    except OSError as error:
        raise AskedWrongly(f"Expected --input to name a file that can be read, but: {error}.") from None


async def _job(
    topic: str, payload: Any, *, key: str, wait: bool, timeout_s: float | None, data: Path | None, as_json: bool
) -> int:
    import asyncio

    from foldgate.cli.reaching import opened
    from foldgate.sdk.client import Client

    async with opened(data) as suite:
        client = Client(suite.log, codec=suite.codec)
        asked = await client.run_job(topic, payload, idempotency_key=key)
        if not wait:
            _tell_asked(asked.run_id, asked.request_id, as_json=as_json)
            return 0
        try:
            async with asyncio.timeout(timeout_s):
                end = await client.ended(asked.run_id, request_id=asked.request_id)
        except TimeoutError:
            raise StillRunning(
                f"Expected {asked.run_id} to end within {timeout_s:g} s, but it goes on: see"
                f" `foldgate timeline {asked.run_id}`."
            ) from None
        return _tell_end(asked.run_id, end, as_json=as_json)


def _tell_asked(run_id: str, request_id: str, *, as_json: bool) -> None:
    from foldgate.cli.terminal import say, say_json

    if as_json:
        say_json({"run_id": run_id, "request_id": request_id})
    else:
        say(run_id)


def _tell_end(run_id: str, event: Any, *, as_json: bool) -> int:
    from foldgate.cli.telling import ENDS, told
    from foldgate.cli.terminal import plain, say, say_json

    status = ENDS[type(event).__name__]
    if as_json:
        say_json({"run_id": run_id, "status": status, **plain(event)})
    else:
        say(f"{run_id} {status}: {told(event)}", style="green" if status == "succeeded" else "red")
    return 0 if status == "succeeded" else FAILED
