"""The services of a suite under one policy, in memory, in any order: what they read, when they act, when they crash.

They are real, each behind a clock of its own. `watch` is told of all that is appended, by whom.
"""

import itertools
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

from foldgate.approval.main import SERVICE as APPROVAL
from foldgate.authority.active import Policies
from foldgate.authority.keys import Signer
from foldgate.authority.requests import Signed, sign_request
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRevised,
    Event,
    JobDispatched,
    Meta,
    PolicyDrafted,
    PolicyPublished,
    RunStarted,
)
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.policy_kernel.main import SERVICE as KERNEL
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings
from foldgate.scheduler.main import SERVICE as SCHEDULER
from tests.support.hosting import CODEC, Host, Owned, Streams, Written
from tests.support.keys import KEYS

TENANT = "acme"
SKEW_MS = 60_000
BEGINNING_MS = 1_000_000_000_000


class Shown(NamedTuple):
    """An open question, as people see it."""

    run_id: str
    approval_id: str
    binding: str


class Sent(NamedTuple):
    """What somebody wrote to an open stream."""

    stream: str
    key: str
    meta: Meta
    event: Event


Watch = Callable[["Governed", Owned, list[Written]], None]


class Governed:
    """The suite, and what anybody can read of it."""

    def __init__(self, seed: int, watch: Watch, *, default_decision: str = "") -> None:
        self.rng, self.watch = random.Random(seed), watch
        self.at, self.numbers, self.streams = BEGINNING_MS, itertools.count(1), Streams()
        self.settings = Settings.model_validate(
            {
                "postgres": "postgresql://localhost/none",
                "default_decision": default_decision or self.rng.choice(["allow", "deny"]),
                "max_lost": 100,
            }
        )
        self.hosts = self._hosts()
        self.snapshots: dict[str, tuple[str, ...]] = {}
        self.drafts: dict[str, int] = {}
        self.questions: dict[str, Shown] = {}
        self.bindings = [""]
        self.honest: set[tuple[str, str, bool]] = set()  # the votes that people have given: on what, who, and what
        self.asked: set[str] = set()  # the runs that people have asked for
        self.begun: set[str] = set()
        self.over: dict[str, str] = {}
        self.sent: list[Sent] = []

    def _hosts(self) -> list[Host]:
        return [self._host(service) for service in (ENGINE, KERNEL, APPROVAL, SCHEDULER)]

    def _host(self, service: Service) -> Host:
        made = Host(service, self.streams, settings=self.settings, keys=KEYS, clock=lambda: self.at)
        made.skew_ms = self.rng.randint(-SKEW_MS, SKEW_MS)
        return made

    def read(self) -> bool:
        """Some service reads one more message, of whichever of its sources."""
        links = [
            link
            for host in self.hosts
            if host.down_until <= self.at
            for owned in host.owned
            for link in owned.links
            if link.has_more
        ]
        if not links:
            return False
        link = self.rng.choice(links)
        link.read()
        self._append(link.owned)
        return True

    def _append(self, owned: Owned) -> None:
        said = owned.append()
        for written in said:
            self._see(written)
        self.watch(self, owned, said)

    def policy_known(self, owned: Owned, given: JobDispatched) -> str:
        """The snapshot under which the scheduler gave this to a worker."""
        del given
        policies = owned.host.readings_of(owned.aggregate)[0].table
        assert isinstance(policies, Policies)
        return policies.active_name

    def look_up(self) -> None:
        """A table is read a little further, by itself."""
        behind = [one for host in self.hosts for one in host.readings.values() if one.is_behind]
        if behind:
            self.rng.choice(behind).next()

    def tick(self) -> None:
        """Whose time has come acts."""
        for host in self.hosts:
            for owned in host.owned if host.down_until <= self.at else ():
                if (due := owned.due) is not None and due <= self.at:
                    owned.tick()
                    self._append(owned)

    def wait(self) -> None:
        """A little time goes by."""
        self.at += self.rng.choice([1, 100, 2_000, 15_000])

    def crash(self) -> None:
        """A service is gone before it has appended what it decided, and back after a while."""
        host = self.rng.choice(self.hosts)
        links = [link for owned in host.owned for link in owned.links if link.has_more]
        if links:
            self.rng.choice(links).read()
        host.begin()
        host.down_until = self.at + self.rng.choice([0, 0, 5_000, 40_000])

    def submit(
        self,
        stream: str,
        key: str,
        event: Event,
        *,
        principal: str = "ada",
        signer: Signer | None = None,
        pool: str = "",
        tenant: str = TENANT,
    ) -> None:
        """Write to an open stream, as clients do."""
        request_id = f"r{next(self.numbers)}"
        meta = Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id(principal, request_id),
            stream=stream,
            key=key,
            run_id=key if stream in ("intake", "reports") else "",
            pool=pool,
            at=self.at + self.rng.randint(-SKEW_MS, SKEW_MS),
            request_id=request_id,
            tenant=tenant,
            principal=principal,
        )
        signed = sign_request(signer, meta, event) if signer is not None and isinstance(event, Signed) else event
        self.streams.put(stream, key.encode(), CODEC.encode(meta, signed))
        self.sent.append(Sent(stream, key, meta, signed))

    def _see(self, written: Written) -> None:
        """What anybody can read of it."""
        meta, event = written.meta, written.event
        match event:
            case RunStarted():
                self.begun.add(meta.run_id)
            case PolicyDrafted(bundle=name, revision=revision):
                self.drafts[name] = revision
            case PolicyPublished(policy_snapshot=name, bundles=bundles):
                self.snapshots[name] = tuple(one.definition for one in bundles)
            case ApprovalOpened(approval_id=name, binding=binding) | ApprovalRevised(approval_id=name, binding=binding):
                self.questions[name] = Shown(meta.run_id, name, binding)
                self.bindings.append(binding)
            case ApprovalClosed() | ApprovalExpired() | ApprovalGranted() | ApprovalRefused():
                self.questions.pop(event.approval_id, None)
            case _:
                if type(event) in RUN_ENDS:
                    self.over[meta.run_id] = type(event).__name__


def named(history: Iterable[Written], *kinds: type[Event]) -> list[Written]:
    """The records of those events."""
    return [written for written in history if isinstance(written.event, kinds)]
