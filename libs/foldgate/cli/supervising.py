"""Runs a planned suite: claims its folder and its port, starts its servers, then its services, and ends all of them.

Why a crash between any two lines is safe: the claim on the folder and the port end with this process; servers and
services do not outlive it; whatever they had acknowledged is on disk. `up.json` appears when all of it works, and one
that is left behind names a process that is gone.

What is started later is ended earlier, and every part is bounded in the time it may take: the services in what they may
drain, the servers in what they need to write down.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

import uvloop

from foldgate.cli import up_file
from foldgate.cli.hosting import in_processes, in_this_process
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.own_servers import Servers, expect_same_log, own_servers, until_one_ends
from foldgate.cli.plan import Plan
from foldgate.cli.readiness import Unreadiness, at_home, unreadiness
from foldgate.cli.ready_lines import tell_ready
from foldgate.cli.stopping import until_signal
from foldgate.cli.terminal import note, progress
from foldgate.contracts.ids import digest
from foldgate.runtime import key_making
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.health import PortInUse, listen
from foldgate.runtime.settings import Settings, given, to_environment
from foldgate.runtime.together import together
from foldgate.servers.folder import FolderClaim

_PATIENCE_S = 10.0


class PortTaken(AskedWrongly):
    """Something else listens where the API is to be served."""


def supervise(plan: Plan, *, as_json: bool) -> None:
    """Run the suite until a signal; raises what it failed by."""
    uvloop.run(_until_stopped(plan, as_json=as_json))


async def _until_stopped(plan: Plan, *, as_json: bool) -> None:
    working = asyncio.create_task(_Suite(plan, as_json=as_json).run())
    await until_signal(working, saying="Stopping …")


class _Suite:
    """One suite, from start to stop."""

    def __init__(self, plan: Plan, *, as_json: bool) -> None:
        self._plan, self._as_json = plan, as_json
        self._clock = SystemClock()
        self._started = self._clock.monotonic_ms()
        self._ready = False

    async def run(self) -> None:
        plan = self._plan
        async with AsyncExitStack() as stack:
            claim = FolderClaim.take(plan.data)
            stack.callback(claim.release)
            up_file.remove(plan.data)
            if claim.previous is not None:
                note(f"The suite here (pid {claim.previous.pid}) was not stopped in order: it goes on from its log.")
            listening = _listen(plan.settings)
            stack.callback(listening.close)
            plan = self._plan = _with_keys(plan, at=self._clock.now_ms())
            with progress(_starting(plan)):
                servers = await stack.enter_async_context(own_servers(plan, claim, note))
                settings = await self._settled(servers, port=listening.getsockname()[1])
            stack.callback(up_file.remove, plan.data)
            await together(self._serve(settings, servers, listening), until_one_ends(servers.own))

    async def _settled(self, servers: Servers, *, port: int) -> Settings:
        """The settings as they are now that the servers run; and these answer, and fit."""
        from foldgate.cli.reaching import look
        from foldgate.runtime.connecting import connect

        plan = self._plan
        found = {"http_port": port, "api_key": plan.settings.api_key or _own_key(plan), "instance": _instance(plan)}
        settings = servers.complete(plan.settings).model_copy(update=found)
        seen = await look(settings)
        if plan.own_postgres:
            expect_same_log(plan, f"kafka {seen.identity}" if settings.kafka else "postgresql")
        if plan.processes:
            await (await connect(settings)).close()  # a topology that does not fit is said once, and by us
        return settings

    async def _serve(self, settings: Settings, servers: Servers, listening: socket.socket) -> None:
        from foldgate.cli.first_policy import begin_policy

        host = in_processes if self._plan.processes else in_this_process
        pids, are_ready = {one.name.lower(): one.pid for one in servers.own}, asyncio.Event()

        def ready(of_services: Mapping[str, int]) -> None:
            pids.update(of_services)
            are_ready.set()

        async def begin() -> None:
            with progress("Starting the services"):
                await are_ready.wait()
                policy = await begin_policy(settings)
            self._announce(settings, pids, policy=policy)

        working = host(self._plan, settings, listening=listening, ready=ready)
        await together(working, begin(), self._grow_impatient(settings))

    async def _grow_impatient(self, settings: Settings) -> None:
        """Until all is ready, say now and then what is waited for."""
        host, port = settings.http_host, settings.http_port
        while True:
            await asyncio.sleep(_PATIENCE_S)
            if self._ready:
                return
            lacking = await unreadiness(host, port) or Unreadiness()
            what = "; ".join(f"{service} waits for {reason}" for service, reason in lacking.waiting_for.items())
            note(f"Not ready yet: {what or 'other services are starting'}. The logs are in {self._plan.logs}.")

    def _announce(self, settings: Settings, pids: Mapping[str, int], *, policy: str) -> None:
        assert settings.postgres is not None
        self._ready = True
        suite = up_file.Suite(
            url=f"http://{at_home(settings.http_host)}:{settings.http_port}",
            port=settings.http_port,
            pid=os.getpid(),
            pids=pids,
            postgres=settings.postgres,
            kafka=settings.kafka,
            settings=to_environment(settings),
            data=str(self._plan.data),
            started_at=self._clock.now_ms(),
        )
        up_file.write(self._plan.data, suite)
        took_ms = self._clock.monotonic_ms() - self._started
        tell_ready(self._plan, suite, policy=policy, took_ms=took_ms, as_json=self._as_json)


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.http_host, settings.http_port)
    except PortInUse:
        raise PortTaken(
            f"Expected to serve on {settings.http_host}:{settings.http_port}, but something else listens there: stop"
            " it, or choose another port with --port (0 takes any free one)."
        ) from None


def _instance(plan: Plan) -> str:
    """The same at every start in this folder, which nobody else holds: so who comes back gets its partitions at once,
    where the brokers would else wait for one who is gone."""
    host = socket.gethostname()
    return given().get("FOLDGATE_INSTANCE") or f"{host}-{digest(host, str(plan.data)).hex()[:8]}"


def _own_key(plan: Plan) -> str:
    """The key of the suites in this folder: made once, readable by its owner alone."""
    file = plan.data / "api-key"
    if not file.exists():
        scratch = file.with_suffix(".new")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_urlsafe(24))
        scratch.rename(file)
    file.chmod(0o600)  # it may have been copied here
    return file.read_text()


def _with_keys(plan: Plan, *, at: int) -> Plan:
    """With keys to sign by: those that the settings name, else those of this folder, which are made once."""
    if plan.settings.keys is not None:
        return plan
    keys = plan.data / "keys"
    if not keys.exists():
        key_making.make(keys, key_making.new_files(at))
    return replace(plan, settings=plan.settings.model_copy(update={"keys": str(keys)}))


def _starting(plan: Plan) -> str:
    own = [name for name, wanted in (("PostgreSQL", plan.own_postgres), ("Kafka", plan.own_kafka)) if wanted]
    return f"Starting {' and '.join(own)}{_patience(plan)}" if own else "Looking for the log"


def _patience(plan: Plan) -> str:
    if not plan.own_kafka:
        return ""
    from foldgate.servers.kafka_artifacts import VERSION, cache_folder

    there = (cache_folder() / f"kafka-{VERSION}").is_dir()
    return "" if there else f" (Kafka {VERSION} has to be fetched first: that can take minutes)"
