"""`script` steps of the built-in worker, and a folder of scripts of which a test writes its own."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from foldgate.sdk import Environment, Worker
from foldgate.sdk.builtin.scripts import Scripts, ScriptTerms
from foldgate.sdk.testing import Outcome, handle

Write = Callable[..., Path]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other accounts can look into, which those of pytest are not."""
    with contextlib.ExitStack() as stack:
        made = Path(tempfile.mkdtemp(prefix="foldgate-test-"))
        stack.callback(shutil.rmtree, made)
        made.chmod(0o755)
        yield made


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a script in Python, or for the interpreter that is given."""

    def written(text: str, *, name: str = "it", by: str = sys.executable) -> Path:
        path = folder / name
        path.write_text(f"#!{by}\n{text}\n")
        path.chmod(0o755)
        return path

    return written


async def run(
    folder: Path,
    given: Any = None,
    *,
    constraints: dict[str, Any] | None = None,
    cancel_after: float | None = None,
    **terms: Any,
) -> Outcome:
    """What becomes of one `script` step; without anything else, of the script `it`."""
    worker = Worker("scripts", resolver=Environment(["TOLD_*"]), cancel_grace_s=5)
    worker.kind("script")(Scripts(ScriptTerms(folder=folder, **terms)))
    return await handle(
        worker,
        "job.flow.do",
        {"script": "it"} if given is None else given,
        constraints=constraints,
        cancel_after=cancel_after,
        asked={"kind": "script", "attempt": 2, "step": "do"},
    )
