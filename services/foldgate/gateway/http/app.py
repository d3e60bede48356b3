"""The application: every operation, and the layers in front of them.

From the outside in: answers are finished (`finishing.py`), whatever goes wrong is answered (`problems.py`), the caller
is known (`auth.py`), a route is found, its guard lets the caller through (`guarding.py`), and its endpoint takes the
request and gives the response with nothing between.
"""

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from foldgate.gateway.http.approvals import Approvals
from foldgate.gateway.http.artifacts import Artifacts
from foldgate.gateway.http.asking import Starting
from foldgate.gateway.http.auth import Authenticating
from foldgate.gateway.http.batches import Batches
from foldgate.gateway.http.catalogue import Catalogue
from foldgate.gateway.http.controls import Controls
from foldgate.gateway.http.dead_letters import DeadLetters
from foldgate.gateway.http.finishing import Finishing
from foldgate.gateway.http.following import Following
from foldgate.gateway.http.graphs import Graphs
from foldgate.gateway.http.guarding import Guard
from foldgate.gateway.http.identities import Identities
from foldgate.gateway.http.issuers import issuer_in
from foldgate.gateway.http.job_controls import JobControls
from foldgate.gateway.http.job_lists import JobLists
from foldgate.gateway.http.jobs import Jobs
from foldgate.gateway.http.keyring import Keyring
from foldgate.gateway.http.live import Live
from foldgate.gateway.http.methods import refusals
from foldgate.gateway.http.openapi import OpenApi
from foldgate.gateway.http.plans import Plans
from foldgate.gateway.http.policies import Policies
from foldgate.gateway.http.policy_backtests import PolicyBacktests
from foldgate.gateway.http.policy_book import PolicyBook
from foldgate.gateway.http.policy_changes import PolicyChanges
from foldgate.gateway.http.policy_trials import PolicyTrials
from foldgate.gateway.http.pool_changes import PoolChanges
from foldgate.gateway.http.problems import Answering, Problem
from foldgate.gateway.http.reports import Reports
from foldgate.gateway.http.reruns import Reruns
from foldgate.gateway.http.runs import Runs
from foldgate.gateway.http.showing import Area, shown
from foldgate.gateway.http.speaking import Speaking
from foldgate.gateway.http.starts import Starts
from foldgate.gateway.http.status import Status
from foldgate.gateway.http.verdicts import Verdicts
from foldgate.gateway.http.votes import Votes
from foldgate.gateway.http.workers import Workers
from foldgate.gateway.http.workflows import Workflows
from foldgate.gateway.projections.approvals import PROJECTION as APPROVALS
from foldgate.gateway.projections.jobs import PROJECTION as JOBS
from foldgate.gateway.projections.letters import PROJECTION as LETTERS
from foldgate.gateway.projections.policies import PROJECTION as POLICIES
from foldgate.gateway.projections.runs import PROJECTION as RUNS
from foldgate.gateway.projections.timeline import PROJECTION as TIMELINE
from foldgate.gateway.projections.workflows import PROJECTION as WORKFLOWS
from foldgate.identity.store import ApiKeys
from foldgate.readmodel.projector import Projector
from foldgate.runtime.context import Context
from foldgate.runtime.together import together
from foldgate.sdk.artifact_stores import store_of

API = "/api/v1"
_ANSWERED = (APPROVALS, POLICIES, RUNS, WORKFLOWS)
"""Of the read models those by whose positions verdicts are entered, each in the first of its streams."""


class Gateway:
    """The door for people and programs, and what works behind it."""

    def __init__(self, context: Context, projectors: Mapping[str, Projector]) -> None:
        assert context.models is not None
        self._models = context.models
        context.keys.voucher(unsigned=context.settings.unsigned_requests)  # who cannot ask for anything does not begin
        self.verdicts = Verdicts(context)
        runs = self._runs = Runs(context.models, projectors[RUNS.name])
        guard = Guard(context.clock, per_second=context.settings.requests_per_second)
        self._following = Following(context.models, timeline=projectors[TIMELINE.name], runs=projectors[RUNS.name])
        live = Live(self._following, runs, guard)
        starting = Starting(self.verdicts, runs)
        workflows = Workflows(context, self.verdicts, projectors[WORKFLOWS.name])
        book = PolicyBook(context.models, projectors[POLICIES.name], default_decision=context.settings.default_decision)
        plans = Plans(book, clock=context.clock)
        starts = Starts(context, starting, workflows, plans=plans)
        speaking = Speaking(context)
        workers = Workers(context, speaking)
        controls = Controls(context, self.verdicts, runs)
        job_lists = JobLists(context.models, projectors[JOBS.name])
        approvals = self.approvals = Approvals(context.models, projectors[APPROVALS.name])
        self._seats, self._artifacts = workers.seats, store_of(context.settings)
        areas: tuple[Area, ...] = (
            workflows,
            starts,
            Batches(starts, guard),
            runs,
            controls,
            Jobs(context, starting),
            job_lists,
            JobControls(context, job_lists, controls=controls, starting=starting),
            workers,
            Reports(context, speaking, workers.seats),
            Artifacts(context, workers.seats, self._artifacts),
            approvals,
            DeadLetters(context, projectors[LETTERS.name]),
            Votes(context, self.verdicts, approvals=approvals, runs=runs),
            *shown(context.models, runs, projectors),
            live,
            Catalogue(context, context.models, workflows=workflows, projector=projectors[WORKFLOWS.name]),
            Reruns(
                context,
                context.models,
                starting=starting,
                runs=runs,
                graphs=Graphs(context.models, runs=projectors[RUNS.name], workflows=projectors[WORKFLOWS.name]),
                timeline=projectors[TIMELINE.name],
                plans=plans,
            ),
            PoolChanges(context),
            Policies(book),
            PolicyChanges(context, self.verdicts, book),
            PolicyTrials(book),
            PolicyBacktests(book, clock=context.clock),
            Status(context.settings.suite, projectors, clock=context.clock),
        )
        self.operations = tuple(operation for area in areas for operation in area.operations(API))
        routes: list[BaseRoute] = [guard.route(operation) for operation in self.operations]
        routes += live.sockets(API)
        routes += refusals(self.operations)
        routes.append(Route("/openapi.json", OpenApi(self.operations).show, methods=["GET"]))
        inner: ASGIApp = Router(routes, redirect_slashes=False, default=_nothing_here)
        self._keyring = Keyring(ApiKeys(context.models, suite=context.settings.suite), clock=context.clock)
        issuer = issuer_in(context.settings, clock=context.clock)
        identities = Identities(context.settings, keyring=self._keyring, issuer=issuer)
        known = Authenticating(inner, identities=identities, host=context.settings.http_host)
        self._app = Finishing(Answering(known, clock=context.clock))

    @property
    def ready(self) -> bool:
        return self.verdicts.ready and self._keyring.ready

    def waiting_for(self) -> str:
        return "the API keys" if self.verdicts.ready else "the verdicts on requests"

    async def run(self) -> None:
        """Hand out verdicts, from where the read models stand; keep the seats of workers, and know who has keys."""
        builds = [await self._models.begin(projection) for projection in _ANSWERED]
        positions = [await self._models.positions(build) for build in builds]
        read = {
            partition: at
            for projection, each in zip(_ANSWERED, positions, strict=True)
            for partition, at in each.items()
            if partition.stream == projection.streams[0]
        }
        try:
            await together(self.verdicts.run(read), self._seats.run(), self._keyring.run())
        finally:
            self._following.waking.end()
            self._runs.waking.end()
            if self._artifacts is not None:
                await self._artifacts.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("app", self)  # without one a router answers by itself, in plain text
        await self._app(scope, receive, send)


async def _nothing_here(scope: Scope, _: Receive, __: Send) -> None:
    path = HTTPConnection(scope).url.path
    raise Problem("not_found", f"Expected a path of this interface, but there is no '{path[:100]}': see /openapi.json.")
