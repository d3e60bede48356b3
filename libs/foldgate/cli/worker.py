"""`foldgate worker`: runs a worker against the suite, one that is written with the SDK or the built-in one."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from foldgate.cli import builtin
from foldgate.cli.finding import AsJson, Data
from foldgate.cli.mistakes import AskedWrongly, CannotGoOn

if TYPE_CHECKING:
    from traceback import FrameSummary

    from foldgate.sdk.worker import Worker

ATTRIBUTE = "worker"


class WorkerBroken(CannotGoOn):
    """The worker's own module cannot be loaded."""


def worker(
    module: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODULE]",
            help="A file, or a module, that holds a Worker named 'worker'; none with --builtin.",
            show_default=False,
        ),
    ] = None,
    kinds: builtin.Kinds = None,
    grace_s: Annotated[
        float | None,
        typer.Option(
            "--grace",
            metavar="SECONDS",
            min=0,
            help="How long what runs may take to finish once it is to leave. Default: 30, or what the worker says.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Work over HTTP, through this gateway. Its key: FOLDGATE_API_KEY, or that of the suite here.",
        ),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
    name: builtin.Name = "builtin",
    pool: builtin.InPool = "default",
    max_parallel: builtin.Parallel = 8,
    capability: builtin.Capabilities = None,
    secret: builtin.Secrets = None,
    http_host: builtin.Hosts = None,
    http_network: builtin.Networks = None,
    http_ca: builtin.Authorities = None,
    http_max_bytes: builtin.HttpBytes = 10 * builtin.MIB,
    http_timeout: builtin.HttpTimeout = 60.0,
    scripts: builtin.Folder = None,
    script_timeout: builtin.ScriptTimeout = 300.0,
    script_cpu: builtin.Cpu = 60,
    script_memory: builtin.Memory = 1024,
    script_file_size: builtin.FileSize = 64,
) -> None:
    """Run a worker until Ctrl-C or SIGTERM; it then finishes the jobs it holds.

    What is not finished by then is stopped, and goes on elsewhere from its last checkpoint. A second Ctrl-C ends it at
    once: its jobs are then given to others when their leases have ended.
    """
    from foldgate.cli import finding

    if (module is None) == (kinds is None):
        raise AskedWrongly("Expected a MODULE, or --builtin http,script; one of the two.")
    if kinds is None:
        found = loaded(module or "")
    else:
        options = builtin.Options(
            name=name,
            pool=pool,
            max_parallel=max_parallel,
            capabilities=capability,
            secrets=secret,
            hosts=http_host,
            networks=http_network,
            authorities=http_ca,
            http_max_bytes=http_max_bytes,
            http_timeout_s=http_timeout,
            scripts=scripts,
            script_timeout_s=script_timeout,
            cpu_s=script_cpu,
            memory_mib=script_memory,
            file_mib=script_file_size,
        )
        found = builtin.builtin(kinds, options)
    if grace_s is not None:
        found.leave_within_s = grace_s
    finding.run(
        _work(found, data, as_json=as_json) if url is None else _work_over(found, url, data=data, as_json=as_json)
    )


def loaded(name: str) -> "Worker":
    """The worker in this module or file."""
    from foldgate.sdk.worker import Worker

    try:
        found = getattr(_module(name), ATTRIBUTE, None)
    except AskedWrongly:
        raise
    except Exception as error:  # any exception: it is the user's own code that runs here
        raise WorkerBroken(f"Expected to load '{name}', but {_broken_by(error)}.") from error
    if not isinstance(found, Worker):
        what = "it has none" if found is None else f"there it is a {type(found).__name__}"
        raise AskedWrongly(f"Expected '{name}' to hold a foldgate.sdk.Worker named '{ATTRIBUTE}', but {what}.")
    return found


def _broken_by(error: Exception) -> str:
    """What happened, and where in the user's code it began."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{error.filename}, line {error.lineno}" if isinstance(error, SyntaxError) else _place(last)
    return f"in {where}: {type(error).__name__}: {error}"


def _place(frame: "FrameSummary") -> str:
    return f"{frame.filename}, line {frame.lineno}"


def _module(name: str) -> ModuleType:
    if name.endswith(".py") or "/" in name:
        return _from_file(Path(name))
    sys.path.insert(0, "")  # as `python -m` has it
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        raise AskedWrongly(f"Expected a module or a file named '{name}', but there is none here.") from None


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise AskedWrongly(f"Expected a Python file at {path}, but there is none.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # what is pickled or typed in it refers to it by name
    sys.path.insert(0, str(path.parent.absolute()))
    spec.loader.exec_module(module)
    return module


async def _work(worker: "Worker", data: Path | None, *, as_json: bool) -> None:
    import asyncio

    from foldgate.cli.reaching import opened
    from foldgate.cli.stopping import until_signal
    from foldgate.runtime import logging
    from foldgate.runtime.keys import Keys
    from foldgate.sdk.artifact_stores import given_to

    async with opened(data) as suite:
        # A handler that fails is its author's business: the log says where.
        logging.configure(level=suite.settings.log_level, style="json" if as_json else "text")
        worker.trust = worker.trust or Keys.of(suite.settings).trust
        async with given_to(worker, suite.settings):
            working = asyncio.create_task(worker.work(suite.log, ready=lambda: _ready(worker, as_json), alone=True))
            await until_signal(working, saying="Finishing the jobs under way …")


async def _work_over(worker: "Worker", url: str, *, data: Path | None, as_json: bool) -> None:
    import asyncio

    from foldgate.cli import finding
    from foldgate.cli.stopping import until_signal
    from foldgate.runtime import logging
    from foldgate.sdk.over_http import OverHttp
    from foldgate.sdk.transport import Unreachable, Unwelcome

    logging.configure(level="info", style="json" if as_json else "text")
    transport = OverHttp(url, api_key=finding.key_for(url, data))
    working = asyncio.create_task(worker.work_over(transport, ready=lambda: _ready(worker, as_json), alone=True))
    try:
        await until_signal(working, saying="Finishing the jobs under way …")
    except (Unreachable, Unwelcome) as error:
        raise CannotGoOn(str(error)) from error


def _ready(worker: "Worker", as_json: bool) -> None:
    from foldgate.cli.terminal import say, say_json

    if as_json:
        say_json({"worker": worker.endpoint})
    else:
        say(f"Worker {worker.endpoint} takes jobs.")
