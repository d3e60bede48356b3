"""The trace of a run: one for all its jobs, with the real OpenTelemetry, and one to pass on without it."""

import re
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from foldgate.sdk import Fatal, Job, Worker, tracing
from foldgate.sdk.testing import handle_sync

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
worker = Worker("traced")


@worker.job("async")
async def of_a_coroutine(_: Job) -> str:
    return _current()


@worker.job("sync")
def of_a_function(_: Job) -> str:
    return _current()


@worker.job("fails")
def fails(_: Job) -> None:
    raise Fatal("broken", "with words that nobody is to see")


def _current() -> str:
    """The trace that whatever the handler calls is part of."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("foldgate"))
    yield exporter
    provider.shutdown()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    [span] = exporter.get_finished_spans()
    return span


@pytest.mark.parametrize("topic", ["async", "sync"])
def test_a_handler_runs_in_a_span_of_the_trace_that_started_its_run(spans: InMemorySpanExporter, topic: str) -> None:
    outcome = handle_sync(worker, topic, asked={"labels": {"traceparent": GIVEN}})
    assert outcome.output == GIVEN.split("-")[1]
    span = only(spans)
    assert (span.name, span.kind, span.status.status_code) == (topic, SpanKind.CONSUMER, StatusCode.UNSET)
    assert span.parent is not None
    assert trace.format_span_id(span.parent.span_id) == GIVEN.split("-")[2]
    assert dict(span.attributes or {})["foldgate.job_id"] == "run_test:step@1"


def test_a_failure_is_noted_without_its_words(spans: InMemorySpanExporter) -> None:
    handle_sync(worker, "fails")
    span = only(spans)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, "Fatal", ())


def test_a_run_without_a_trace_has_one_of_its_own() -> None:
    first, again, other = (
        tracing.traceparent_of(run, job, {})
        for run, job in (("run_1", "run_1:a@1"), ("run_1", "run_1:b@1"), ("run_2", "run_2:a@1"))
    )
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", one) for one in (first, again, other))
    assert first.split("-")[1] == again.split("-")[1] != other.split("-")[1]
    assert first.split("-")[2] != again.split("-")[2]


@pytest.mark.parametrize(
    "wrong", ["", "anything", GIVEN.upper(), GIVEN.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)]
)
def test_what_is_no_trace_is_passed_over(wrong: str) -> None:
    assert tracing.traceparent_of("run_1", "run_1:a@1", {"traceparent": wrong}) == tracing.traceparent_of(
        "run_1", "run_1:a@1", {}
    )
