"""What the command line says: nothing that drives a terminal, no stack frames, causes before effects."""

import re
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from foldgate.cli.last_words import ending, last_words
from foldgate.cli.main import commands
from foldgate.cli.mistakes import AskedWrongly, CannotGoOn, exit_code, explained
from foldgate.cli.reading import Seen
from foldgate.cli.run_history import in_order
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, plain
from foldgate.cli.words import shown_bytes
from foldgate.contracts.events import EVENT_TYPES, CaseClosed, JobDenied
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Fenced, Record
from foldgate.runtime.settings import SettingsInvalid
from tests.support.given import meta

ROOT = Path(__file__).parents[2]


@given(st.text())
def test_what_is_shown_has_no_control_characters(text: str) -> None:
    assert harmless(text).isprintable()
    assert len(harmless(text, most=10).replace("\\", "")) <= 100


@given(st.binary(max_size=600))
def test_bytes_are_shown_as_text_or_as_digits(data: bytes) -> None:
    assert shown_bytes(data, len(data)).isprintable()


def test_json_has_bytes_as_digits_at_any_depth() -> None:
    assert plain({"a": [b"\x00\xff", {"b": b""}]}) == {"a": ["00ff", {"b": ""}]}


def test_an_event_without_words_of_its_own_is_told_by_its_fields() -> None:
    assert told(CaseClosed(status="succeeded")) == "succeeded"
    denied = JobDenied(job_id="run_1:step@2", step="step", policy_snapshot="s", rule="r", reason="because\x1b[0m")
    assert told(denied) == "step@2: r: because\\x1b[0m"
    assert set(EVENT_TYPES)  # the table is asked by name, and falls back: a new event needs no words to be shown


def test_the_last_words_are_told_without_frames(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text(
        '{"event": "lost", "level": "warning", "timestamp": "now", "partition": "runs-1"}\n'
        '{"event": "failed", "level": "error", "exception": "Traceback …\\n  File x\\nValueError: it broke"}\n'
        "Traceback (most recent call last):\n"
        '  File "x.py", line 1, in <module>\n'
        "KeyError: 'a'\n"
    )
    said = last_words(log)
    assert said == (
        f"The last lines of {log}:\n"
        "  warning: lost partition=runs-1\n"
        "  error: failed ValueError: it broke\n"
        "  KeyError: 'a'"
    )
    assert last_words(tmp_path / "none") == f"Its log {tmp_path / 'none'} is empty."


@pytest.mark.parametrize(
    ("status", "text"),
    [(0, "exit code 0"), (-9, "exit code -9: killed by SIGKILL"), (-99, "exit code -99: killed by signal 99")],
)
def test_how_a_process_ended(status: int, text: str) -> None:
    assert ending(status) == text


def test_what_is_ours_speaks_for_itself_and_what_is_not_is_called_a_fault() -> None:
    assert explained(Fenced("Another owner.")) == "Another owner."
    assert explained(ZeroDivisionError("division")).startswith(
        "A fault of Foldgate itself: ZeroDivisionError: division."
    )
    assert [exit_code(error) for error in (Fenced(), SettingsInvalid(), AskedWrongly(), CannotGoOn(), OSError())] == [
        *(1, 2, 2, 1, 1)
    ]


def named_commands() -> set[tuple[str, ...]]:
    """What the README, the page on operating and the ready lines have people type."""
    texts = [ROOT / "README.md", ROOT / "docs" / "operating.md", ROOT / "libs" / "foldgate" / "cli" / "ready_lines.py"]
    typed = [
        words for text in texts for words in re.findall(r"foldgate( [a-z]+(?:-[a-z]+)?)( [a-z]+)?", text.read_text())
    ]
    return {tuple(word.strip() for word in words if word) for words in typed}


def test_the_commands_that_people_are_told_to_type_exist() -> None:
    program = typer.main.get_command(commands)
    assert isinstance(program, typer.core.TyperGroup)
    groups = {name: getattr(command, "commands", {}) for name, command in program.commands.items()}
    named = named_commands()
    assert {("up",), ("streams", "list"), ("run", "job")} <= named
    assert not [words for words in named if words[0] not in groups]
    assert not [words for words in named if groups[words[0]] and words[1] not in groups[words[0]]]


def seen(stream: str, offset: int, event_id: str, *, causation: str = "", at: int = 0, clock: int = 0) -> Seen:
    about = meta("run_1", stream=stream, event_id=event_id, causation=causation, at=at, clock=clock)
    record = Record(Partition(stream, 0), offset, b"", b"")
    return Seen(record, accepted=True, at=at, meta=about, event=CaseClosed(status=""))


def ids(events: list[Seen]) -> list[str]:
    return [one.meta.event_id for one in events if one.meta is not None]


def test_a_chain_of_causes_through_a_worker_keeps_its_order() -> None:
    """The engine's clock is behind the pool's, and the worker's is ahead of everybody's."""
    chain = [
        seen("runs", 0, "asked", at=10, clock=2),
        seen("jobs", 7, "dispatched", causation="asked", at=11, clock=500),
        seen("reports", 3, "reported", causation="dispatched", at=9_000),
        seen("runs", 1, "ended", causation="reported", at=12, clock=3),
    ]
    assert ids(in_order(chain[::-1])) == ["asked", "dispatched", "reported", "ended"]


def test_what_does_not_depend_on_one_another_goes_by_time() -> None:
    one, other = seen("decisions", 0, "late", at=20), seen("jobs", 0, "early", at=10)
    assert ids(in_order([one, other])) == ["early", "late"]


def test_a_repeated_submission_is_shown_twice_and_a_circle_ends() -> None:
    twice = [seen("intake", 0, "a"), seen("intake", 1, "a"), seen("runs", 0, "b", causation="a")]
    assert ids(in_order(twice)) == ["a", "a", "b"]
    circle = [seen("intake", 0, "c", causation="d"), seen("reports", 0, "d", causation="c"), seen("runs", 0, "e")]
    assert ids(in_order(circle)) == ["e", "c", "d"]
