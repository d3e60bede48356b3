"""Where handlers run: coroutines in one event loop, plain functions in threads. It begins them, tells them to stop, and
says what became of them; whether they may begin, and how long they are waited for, the line decides (`line.py`).

The event loop is the worker's own, or one in a thread apart: there a coroutine that blocks keeps the other handlers
waiting, and nobody else.
"""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import AsyncIterator, Callable

import msgspec

from foldgate.sdk import tracing
from foldgate.sdk.artifacts import REFERENCE, is_artifact
from foldgate.sdk.calls import Calls
from foldgate.sdk.held import Handler, Held, Outcome
from foldgate.sdk.job import Job
from foldgate.sdk.secret_references import SCHEME, replaced
from foldgate.sdk.terms import Terms
from foldgate.sdk.threads import Threads

LEAVES_WITHIN_S = 1.0
Tell = Callable[[Held, Outcome | None], None]
"""What became of it; None where it did not begin."""
Lasts = Callable[[int, int], bool]


class Floor:
    """Handlers at work. Made in the thread of its event loop; called from the line's, and tells there."""

    def __init__(self, terms: Terms) -> None:
        self._calls = Calls(asyncio.get_running_loop())
        self._threads = Threads(terms.hello.max_parallel, name="foldgate-handler")
        self._resolver = terms.resolver
        self._lasts: Lasts = lambda beat, lease_ms: False  # noqa: ARG005 - nobody is served yet
        self._tell: Tell = lambda held, outcome: None  # noqa: ARG005
        self._tasks: dict[Held, asyncio.Task[Outcome]] = {}

    def serve(self, *, lasts: Lasts, tell: Tell) -> None:
        """From now on for this line."""
        self._lasts, self._tell = lasts, tell

    def start(self, held: Held) -> None:
        """Run its handler."""
        if is_async(held.handler):
            self._calls.put(lambda: self._begin(held))
        else:
            self._threads.do(lambda: self._tell(held, self._function(held)))

    def stop(self, held: Held) -> None:
        """Tell its handler to stop: cooperation is its own."""
        held.voice.stop()
        self._calls.put(lambda: self._cancel(held))

    async def close(self) -> None:
        """Let everything go that still runs, without waiting for what does not want to."""
        self._threads.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVES_WITHIN_S)

    def _begin(self, held: Held) -> None:
        if not held.begin(self._lasts):
            self._tell(held, None)
            return
        task = asyncio.ensure_future(self._coroutine(held))
        self._tasks[held] = task
        task.add_done_callback(lambda done: self._ended(held, done))

    def _cancel(self, held: Held) -> None:
        if (task := self._tasks.get(held)) is not None:
            task.cancel()

    def _ended(self, held: Held, done: "asyncio.Task[Outcome]") -> None:
        del self._tasks[held]
        held.end()
        self._tell(held, held.outcome_of(asyncio.CancelledError()) if done.cancelled() else done.result())

    async def _coroutine(self, held: Held) -> Outcome:
        try:  # whoever knows secrets may take its time, and not ours
            job = await asyncio.to_thread(self._job, held) if _asks(held) else self._job(held)
            with tracing.span(job):
                return held.encoded(await held.handler(job))
        except (Exception, asyncio.CancelledError, SystemExit) as error:  # noqa: BLE001 - any failure of a handler is a report
            return held.outcome_of(error)

    def _function(self, held: Held) -> Outcome | None:
        if not held.begin(self._lasts):
            return None
        try:
            job = self._job(held)
            with tracing.span(job):
                return held.encoded(held.handler(job))
        except (Exception, asyncio.CancelledError, SystemExit) as error:  # noqa: BLE001 - any failure of a handler is a report
            return held.outcome_of(error)
        finally:
            held.end()

    def _job(self, held: Held) -> Job:
        asked = held.asked
        given, resume = (msgspec.json.decode(text) if text else None for text in (asked.input, asked.resume))
        if held.artifacts:
            given = replaced(given, is_artifact, lambda value: held.artifacts[value[REFERENCE]])
        if _asks(held):
            given, resume = held.secrets.put_into([given, resume], self._resolver)
        return held.job(given, resume=resume)


def is_async(handler: Handler) -> bool:
    """Whether it is a coroutine function, also as a method or with arguments filled in."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004 - not whether it can be called, but how


def _asks(held: Held) -> bool:
    """Whether its input refers to secrets, or what another attempt has left."""
    return SCHEME in held.asked.input or SCHEME in held.asked.resume


@contextlib.asynccontextmanager
async def here(terms: Terms) -> AsyncIterator[Floor]:
    """A floor in this event loop."""
    floor = Floor(terms)
    try:
        yield floor
    finally:
        await floor.close()


@contextlib.asynccontextmanager
async def apart(terms: Terms) -> AsyncIterator[Floor]:
    """A floor in a thread of its own; should a handler block that one for ever, it is left behind."""
    line, made, closed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    found: list[tuple[Floor, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def stay() -> None:
        floor, leave = Floor(terms), asyncio.Event()
        found.append((floor, asyncio.get_running_loop(), leave))
        line.call_soon_threadsafe(made.set)
        await leave.wait()
        await floor.close()
        with contextlib.suppress(RuntimeError):  # the line did not wait so long
            line.call_soon_threadsafe(closed.set)

    threading.Thread(target=lambda: asyncio.run(stay()), name="foldgate-handlers", daemon=True).start()
    await made.wait()
    [(floor, loop, leave)] = found
    try:
        yield floor
    finally:
        loop.call_soon_threadsafe(leave.set)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), 2 * LEAVES_WITHIN_S)
