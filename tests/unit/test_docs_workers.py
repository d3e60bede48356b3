"""The page on workers, and the examples: each block runs, in order, and what they say is so."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from foldgate.language.publish import prepare
from foldgate.sdk import Worker
from foldgate.sdk.builtin.asked import HttpAsked, ScriptAsked, asked_in
from foldgate.sdk.testing import handle_sync

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "workers.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_blocks_of_the_page_run() -> None:
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/workers.md", "exec"), names)  # noqa: S102 - the page is ours
    assert len(BLOCKS) == 3
    assert isinstance(names["worker"], Worker)


def test_the_steps_of_the_page_are_understood_by_the_built_in_worker() -> None:
    forms: dict[str, type[HttpAsked | ScriptAsked]] = {"http": HttpAsked, "script": ScriptAsked}
    read = []
    for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        canonical = prepare(block).canonical
        for step in msgspec.json.decode(canonical)["steps"].values():
            read.append(step["type"])
            asked_in(step["input"], forms[step["type"]])
    assert read == ["http", "script"]


@pytest.fixture(scope="module")
def rows() -> ModuleType:
    path = ROOT / "examples" / "workers" / "rows.py"
    spec = importlib.util.spec_from_file_location("rows", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_goes_on_where_it_was(rows: ModuleType) -> None:
    whole = handle_sync(rows.worker, "job.rows.copy", {"rows": 250})
    assert whole.output == {"copied": 250, "key": "run_test:step"}
    assert whole.progress[-1] == (100, "250 of 250 rows")
    assert whole.checkpoints == [{"done": 100}, {"done": 200}, {"done": 250}]
    assert handle_sync(rows.worker, "job.rows.copy", {"rows": 250}, resume={"done": 200}).output["copied"] == 50
    assert handle_sync(rows.worker, "job.rows.copy", {"rows": "many"}).code == "not_a_number"


def test_the_example_asks_before_it_speaks_to_somebody(rows: ModuleType) -> None:
    host = {"host": "db.internal"}
    first = handle_sync(rows.worker, "job.rows.fetch", host)
    assert (first.code, first.retryable, first.retry_after_ms) == ("busy", True, 1000)
    assert handle_sync(rows.worker, "job.rows.fetch", host, asked={"attempt": 2}).output == {"from": "db.internal"}
    closed = handle_sync(rows.worker, "job.rows.fetch", host, constraints={"network_allowlist": ["*.example.com"]})
    assert (closed.code, closed.breaches) == ("constraint_breached", ["network_allowlist"])
