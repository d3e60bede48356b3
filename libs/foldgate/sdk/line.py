"""Between the suite and the handlers: what is taken, when it ends, and what is said of it.

Who owns what
-------------
The line owns time and words. It runs in the event loop of its transport: what comes is verified there, limits and
graces are timed there, and reports and beats leave from there; so no handler can hold them up. The floor (`floor.py`)
owns the handlers, in whatever thread. Between them there are a lock in each job that is held (has it begun? may it
still?) and two rows of calls (`calls.py`).

A handler that is to stop is told so (a coroutine is cancelled, a function finds `job.is_cancelled`), and waited for a
grace long. Then its job is reported without it, and what it still does concerns nobody; but until it ends it takes up
its place here, and beats say so.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgspec

from foldgate.authority.keys import SignatureInvalid
from foldgate.contracts import ids
from foldgate.contracts.events import JobCancelled, JobDispatched, Meta
from foldgate.sdk.beats import Beats, Standing
from foldgate.sdk.believing import LEASE_OVER, Believing, Refused, Repeated
from foldgate.sdk.calls import Calls
from foldgate.sdk.errors import BREACHED, WorkerUnfit
from foldgate.sdk.floor import Floor
from foldgate.sdk.held import ATTEMPT_TIMEOUT, CANCELLED, LAPSED, LEAVING, WHY, Done, Held, Outcome
from foldgate.sdk.parcels import Parcels
from foldgate.sdk.reporting import Reporting
from foldgate.sdk.speaking import Speaking
from foldgate.sdk.terms import Terms
from foldgate.sdk.transport import Transport, Unreachable

MOST_REFUSED = 3
"""Dispatches of our own scheduler, one after the other: then something is wrong here."""
HARD_GRACE_S = 1.0
AGAIN_AFTER_S = 0.5


class Line:
    """One instance of a worker, at work."""

    def __init__(self, terms: Terms, transport: Transport, floor: Floor, *, logger: Any) -> None:
        self._terms, self._transport, self._floor, self._logger = terms, transport, floor, logger
        self._loop = asyncio.get_running_loop()
        self._calls = Calls(self._loop)
        self._reporting = Reporting(transport, logger=logger, moved=self._has_moved)
        self._speaking = Speaking(self._reporting, clock=terms.clock, worker=terms.hello.endpoint)
        self._store = transport.artifacts if terms.artifacts is None else terms.artifacts
        self._parcels = Parcels(self._store, logger=logger)
        self.endpoint = terms.hello.endpoint
        self.held: dict[int, Held] = {}
        self._left_behind: set[Held] = set()
        self._timers: dict[Held, list[asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused, self._leaving = 0, False
        self._unfit: asyncio.Future[None] = self._loop.create_future()
        self._moved = asyncio.Event()

    async def work(self, *, ready: Callable[[], None]) -> None:
        """Work until cancelled, then leave in good order."""
        async with self._going_on() as going_on:
            ready()
            try:
                await _first_of(going_on)
            finally:
                await self._leave(going_on)

    @contextlib.asynccontextmanager
    async def _going_on(self) -> AsyncIterator[list["asyncio.Task[None]"]]:
        """What goes on all the while, also while it leaves: who is silent loses what he holds, who is deaf works on for
        nobody."""
        welcome = await self._transport.open(self._terms.hello)
        try:
            self._arrive(welcome.endpoint, welcome.lease_ms)
            endless = [
                self._beats.beat_for_ever(),
                self._beats.watch_for_ever(),
                self._listen(),
                self._reporting.send_for_ever(),
                _raised(self._unfit),
            ]
            tasks = [asyncio.create_task(work) for work in endless]
            try:
                yield tasks
            finally:
                for task in [*tasks, *self._tasks]:
                    task.cancel()
                await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
                with contextlib.suppress(Unreachable):
                    await self._beats.beat()
        finally:
            await self._transport.close()

    def _arrive(self, endpoint: str, lease_ms: int) -> None:
        self.endpoint = self._speaking.worker = endpoint
        terms = self._terms
        self._believing = Believing(terms.trust, endpoint=endpoint, pool=terms.hello.pool, clock=terms.clock)
        self._beats = Beats(
            terms,
            self._transport,
            self._believing,
            endpoint=endpoint,
            standing=self._standing,
            look=self._look_at_leases,
            logger=self._logger,
        )
        self._beats.lease_ms = lease_ms
        self._floor.serve(lasts=self._believing.lasts, tell=self._tell)

    @property
    def beats(self) -> int:
        """How many it has sent; none before it was welcomed."""
        return self._beats.sent if hasattr(self, "_beats") else 0

    @property
    def _room(self) -> int:
        return self._terms.hello.max_parallel - len(self._left_behind)

    def _standing(self) -> Standing:
        self._speaking.announce(self.held.values(), begun_before=self._beats.previous)
        return Standing(max(0, self._room), tuple(self.held), self._leaving)

    async def _listen(self) -> None:
        while True:
            try:
                arrivals = await self._transport.next(0 if self._leaving else max(0, self._room - len(self.held)))
            except Unreachable as error:
                self._logger.warning("nothing heard", reason=str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
                continue
            for meta, event in arrivals:
                if isinstance(event, JobDispatched):
                    self._take_on(meta, event)
                elif event.lease in self.held:
                    self._hear_cancel(self.held[event.lease], event)

    def _hear_cancel(self, held: Held, event: JobCancelled) -> None:
        try:
            self._believing.check_cancel(event)
        except SignatureInvalid as error:
            self._logger.warning("call back ignored", job_id=event.job_id, code=error.code, reason=str(error))
        else:
            self._call_back(held, ATTEMPT_TIMEOUT if event.reason == ATTEMPT_TIMEOUT else CANCELLED)

    def _take_on(self, meta: Meta, event: JobDispatched) -> None:
        try:
            self._believing.check(meta, event)
        except Repeated:
            self._logger.info("dispatch repeated", job_id=event.job.job_id, lease=event.lease)
        except Refused as refusal:
            self._refuse(meta, event, refusal)
        else:
            self._refused, self._beats.lease_ms = 0, event.lease_ms
            self._begin(meta, event)

    def _refuse(self, meta: Meta, event: JobDispatched, refusal: Refused) -> None:
        """Say so. What the scheduler did not give us has no secret of ours: the report shows, and settles nothing."""
        self._logger.error("dispatch refused", job_id=event.writ.job_id, code=refusal.code, reason=str(refusal))
        if not _names_a_run(event):
            return
        event = event if refusal.is_ours else msgspec.structs.replace(event, token=b"")
        self._speaking.turn_down(meta, event, code=f"writ_{refusal.code}", message=str(refusal))
        self._refused += refusal.is_ours and refusal.code != LEASE_OVER  # that one came late, and nothing is wrong here
        if self._refused >= MOST_REFUSED and not self._unfit.done():
            self._unfit.set_exception(
                WorkerUnfit(f"Expected dispatches that hold here, but {self._refused} did not. The last: {refusal}")
            )

    def _begin(self, meta: Meta, event: JobDispatched) -> None:
        handler, name = self._terms.handler(event.job.topic, event.job.kind), self._terms.hello.name
        if self._leaving:
            self._speaking.turn_down(meta, event, code=LEAVING, message=WHY[LEAVING])
        elif handler is None:
            message = f"Expected a handler for '{event.job.topic}', but {name} has none."
            self._speaking.turn_down(meta, event, code="no_handler", message=message)
        elif self._left_behind and len(self.held) >= self._room:
            message = "It was not begun: what was to stop here goes on, and takes its place."
            self._speaking.turn_down(meta, event, code=LEAVING, message=message)
        else:
            terms = self._terms
            held = Held(
                meta,
                event,
                handler,
                clock=terms.clock,
                wake=self._wake,
                hears=terms.hears,
                loop=self._loop,
                store=self._store,
            )
            self.held[event.lease], self._timers[held] = held, []
            self._beats.note_left(self._believing.left_ms(event.beat, event.lease_ms))
            for code in held.left_ms():
                self._look_at_time(held, code)
            if self._parcels.are_in(held):
                self._do(self._begin_with_parcels(held))
            else:
                self._floor.start(held)

    async def _begin_with_parcels(self, held: Held) -> None:
        failed = await self._parcels.fetch(held)
        if failed is None:
            self._floor.start(held)
        elif held.take_back():
            self._ended(held, failed)

    def _tell(self, held: Held, outcome: Outcome | None) -> None:
        self._calls.put(lambda: self._ended(held, outcome))

    def _ended(self, held: Held, outcome: Outcome | None) -> None:
        """The first word counts: what was taken back or left behind was reported."""
        if held in self._left_behind:
            self._left_behind.discard(held)
            self._logger.info("what was left behind has ended", job_id=held.asked.job_id)
        elif not held.is_reported:
            for timer in self._timers.pop(held, ()):
                timer.cancel()
            self._settle(held, outcome)

    def _settle(self, held: Held, outcome: Outcome | None) -> None:
        if outcome is None:
            held.why = held.why or LAPSED
            self._report(held, held.called_back())
        elif isinstance(outcome, Done):
            if held.why:
                self._logger.warning("done, though it was to stop", job_id=held.asked.job_id, why=held.why)
            self._do(self._pack(held, outcome)) if self._parcels.are_needed(outcome) else self._report(held, outcome)
        else:
            if outcome.trace:
                self._logger.warning("handler failed", job_id=held.asked.job_id, trace=outcome.trace)
            self._report(held, outcome)

    async def _pack(self, held: Held, outcome: Done) -> None:
        self._report(held, await self._parcels.packed(held, outcome))

    def _report(self, held: Held, outcome: Outcome) -> None:
        if held.is_reported:
            return
        self._speaking.last_word(held, outcome, then=lambda: self._let_go(held))

    def _let_go(self, held: Held) -> None:
        del self.held[held.lease]
        self._timers.pop(held, None)

    def _has_moved(self) -> None:
        self._moved.set()

    def _call_back(self, held: Held, why: str, *, grace_s: float | None = None) -> None:
        """Stop it; the first reason counts."""
        if held.why or held.is_reported:
            return
        held.why = why
        if held.take_back():
            self._report(held, held.called_back())
            return
        self._floor.stop(held)
        grace_s = self._terms.cancel_grace_s if grace_s is None else grace_s
        self._timers.setdefault(held, []).append(self._loop.call_later(grace_s, self._leave_behind, held))

    def _leave_behind(self, held: Held) -> None:
        """It does not want to stop: its job is over without it."""
        if held.is_running and not held.is_reported:
            self._logger.error("handler does not stop", job_id=held.asked.job_id, why=held.why)
            self._left_behind.add(held)
            self._report(held, held.called_back())

    def _look_at_time(self, held: Held, code: str) -> None:
        left = held.left_ms()[code]
        if left > 0:
            self._timers[held].append(self._loop.call_later(left / 1000, self._look_at_time, held, code))
        elif code == BREACHED:
            held.voice.breach("max_runtime_ms", held.words(BREACHED), was_stopped=False)
            self._call_back(held, BREACHED, grace_s=min(HARD_GRACE_S, self._terms.cancel_grace_s))
        else:
            self._call_back(held, code)

    def _look_at_leases(self) -> int | None:
        """What may have been given to others is stopped. In how many ms that will be so of the next, if any."""
        next_ms: int | None = None
        for held in list(self.held.values()):
            if held.is_reported or held.why:
                continue
            left_ms = self._believing.left_ms(held.dispatch.beat, held.dispatch.lease_ms)
            if left_ms > 0:
                next_ms = left_ms if next_ms is None else min(next_ms, left_ms)
            else:
                self._logger.error("lease has lapsed", job_id=held.asked.job_id, lease=held.lease)
                self._call_back(held, LAPSED)
        return next_ms

    def _wake(self, held: Held, at_once: bool) -> None:
        self._calls.put(lambda: self._speaking.hear(held, at_once=at_once))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self, going_on: list["asyncio.Task[None]"]) -> None:
        """What has not begun goes back at once; what runs may finish for a while, then it is stopped. That we leave is
        said before anything goes back, or it might come here again."""
        self._leaving = True
        with contextlib.suppress(Unreachable):
            await self._beats.beat()
        for held in list(self.held.values()):
            if held.take_back():
                held.why = LEAVING
                self._report(held, held.called_back())
        if not await self._emptied(going_on, within_s=self._terms.leave_within_s):
            for held in list(self.held.values()):
                self._call_back(held, LEAVING)
            await self._emptied(going_on, within_s=self._terms.cancel_grace_s + HARD_GRACE_S)

    async def _emptied(self, going_on: list["asyncio.Task[None]"], *, within_s: float) -> bool:
        """Whether all that is held is reported by then, and all reports are heard."""
        waiting = asyncio.create_task(self._empty())
        failing = [task for task in going_on if not task.done()]
        try:
            await asyncio.wait([waiting, *failing], timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            return waiting.done()
        finally:
            waiting.cancel()

    async def _empty(self) -> None:
        while self.held or not self._reporting.is_idle:
            self._moved.clear()
            await self._moved.wait()


async def _first_of(tasks: list["asyncio.Task[None]"]) -> None:
    """Wait until one ends, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        await task


async def _raised(failure: "asyncio.Future[None]") -> None:
    await asyncio.shield(failure)


def _names_a_run(event: JobDispatched) -> bool:
    """Else there is nobody to tell: whoever forges may write anything."""
    try:
        ids.parse_job_id(event.writ.job_id)
    except ids.MalformedId:
        return False
    return True
