"""A run that is watched: which of its changes are told, how a line of them looks, and the table on a terminal."""

import io

from rich.console import Console

from foldgate.cli.reading import Seen
from foldgate.cli.run_history import is_over
from foldgate.cli.run_watching import Row, changes, drawn, latest_with, line_of, rows_of, with_waits
from foldgate.contracts.events import Event, RunRefused, RunStarted, RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Record
from tests.support.given import meta

ORDER = ("first", "each", "last")


def described(status: str = "running", **steps: str) -> dict[str, object]:
    return {"status": status, "steps": {name: {"status": said, "since": 5} for name, said in steps.items()}}


def seen(event: Event, sequence: int, *, stream: str = RUNS.name) -> Seen:
    record = Record(Partition(stream, 0), sequence, b"run_1", b"")
    return Seen(record, accepted=True, at=1, meta=meta("run_1", sequence=sequence, stream=stream), event=event)


def test_steps_stand_in_the_order_of_the_graph_and_items_beside_their_step() -> None:
    steps = {"each[0]": {"status": "running"}, "first": {"status": "succeeded"}, "each": {"status": "running"}}
    rows = rows_of({"status": "running", "steps": steps}, ORDER, at=7, before={})
    assert list(rows) == ["", "first", "each", "each[0]", "last"]
    assert rows[""] == Row("", "running", 0, 7)
    assert rows["last"].status == "-"


def test_only_what_has_begun_and_is_not_as_it_was_is_a_change() -> None:
    before = rows_of(described(first="running"), ORDER, at=1, before={})
    after = rows_of(described(first="succeeded", each="running"), ORDER, at=2, before=before)
    assert [(row.step, row.status) for row in changes(before, after)] == [("first", "succeeded"), ("each", "running")]
    assert changes(after, rows_of(described(first="succeeded", each="running"), ORDER, at=3, before=after)) == []


def test_a_status_that_did_not_last_is_told_too_and_only_the_last_waits() -> None:
    passing, now = Row("first", "retrying", 1), Row("first", "requested", 2)
    rows = {"first": now, "last": Row("last", "waiting"), "each": Row("each", "waiting", waits="ada")}
    waiting = with_waits(rows, {"first": "waits for a worker", "last": "waits for the signal 'go'"})
    news = {row.step: row for row in changes(rows, waiting)}
    assert latest_with([passing, now], news) == [passing, waiting["first"], waiting["last"]]


def test_a_line_says_what_and_drives_no_terminal() -> None:
    line = line_of(Row("gate", "waiting", 2, 1000, "waits for \x1b[2J")).plain
    assert line == "00:00:01.000  gate  waiting, attempt 2  waits for \\x1b[2J"
    assert "the run  succeeded" in line_of(Row("", "succeeded")).plain


def test_the_table_has_each_step_how_long_and_what_it_waits_for() -> None:
    rows = {
        "": Row("", "waiting"),
        "first": Row("first", "succeeded", 1, 1000),
        "gate": Row("gate", "waiting", 0, 1000, "waits for the signal 'go'"),
        "last": Row("last", "-"),
    }
    shown = io.StringIO()
    Console(file=shown, width=120).print(drawn("run_1", rows, now=66_000))
    head, _, *lines = [line.rstrip() for line in shown.getvalue().splitlines() if line.strip()]
    assert head == "run_1 waiting"
    assert [line.split()[:2] for line in lines[-3:]] == [["first", "succeeded"], ["gate", "waiting"], ["last", "-"]]
    assert " ".join(lines[-2].split()) == "gate waiting 1 min 5 s waits for the signal 'go'"
    assert "min" not in lines[-3], "what is over takes no more time"


def test_a_run_is_over_by_its_end_and_not_by_the_refusal_of_another_request() -> None:
    started = RunStarted(workflow="w", version="1", input="{}", request_hash=b"h")
    refused, done = RunRefused(code="idempotency_conflict", reason="r"), RunSucceeded(output="1")
    assert not is_over([seen(started, 1), seen(refused, 2)], before=False)
    assert is_over([seen(refused, 1)], before=False)
    assert is_over([seen(started, 1), seen(done, 2), seen(refused, 3)], before=False)
    assert not is_over([seen(done, 2), seen(started, 1)], before=False), "the id of one long gone may begin anew"
    assert not is_over([seen(done, 2, stream="jobs")], before=False), "only its own stream ends it"
    assert is_over([], before=True)
