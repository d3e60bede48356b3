"""The trace that a job is part of: one for each run, so that what its handlers do is seen together.

A run that was started from within a trace says so in its label `traceparent`; any other has a trace of its own, with an
id that is derived from the run's. Where OpenTelemetry is installed (`pip install foldgate[otel]`), a handler runs in a
span of that trace; where it is not, `job.traceparent` is there to be passed on.
"""

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from foldgate.authority.request import TRACE
from foldgate.contracts import ids

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from foldgate.sdk.job import Job

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent_of(run_id: str, job_id: str, labels: Mapping[str, str]) -> str:
    """What the work on this job continues, as in the header of that name."""
    given = labels.get(TRACE, "")
    if is_trace(given):
        return given
    return f"00-{ids.digest('trace', run_id).hex()[:32]}-{ids.digest('span', job_id).hex()[:16]}-01"


def is_trace(text: str) -> bool:
    """Whether it is what W3C's Trace Context says such a header is."""
    return _TRACEPARENT.fullmatch(text) is not None


@contextlib.contextmanager
def span(job: "Job") -> Iterator[None]:
    """The span of a handler at work; a failure is noted without its words, which may hold what nobody is to see."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({TRACE: job.traceparent})
    said: dict[str, str | int] = {
        "foldgate.job_id": job.id,
        "foldgate.run_id": job.run_id,
        "foldgate.attempt": job.attempt,
    }
    with tracer.start_as_current_span(
        job.topic,
        context=context,
        kind=SpanKind.CONSUMER,
        attributes=said,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


@functools.cache
def _tracer() -> "Tracer | None":
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("foldgate")
