"""The two recipes of the README: the worker does what it says, and the policy passes its own tests."""

import re
from pathlib import Path
from typing import Any

from foldgate.authority.bundles import compiled, prepare
from foldgate.authority.cases import run_tests
from foldgate.sdk.testing import handle_sync

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(language: str) -> str:
    """The one block of the README in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_worker_sends_and_refuses() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python"), "README.md", "exec"), names)  # noqa: S102 - the page is ours
    sent = handle_sync(names["worker"], "mail.send", {"to": "ada@example.com"})
    assert sent.output == {"sent_to": "ada@example.com"}
    assert handle_sync(names["worker"], "mail.send", {"to": "nobody"}).code == "no_address"


def test_the_policy_passes_its_own_tests_and_is_the_one_whose_digest_is_shown() -> None:
    ready = prepare(block("yaml"))
    assert [result.problem for result in run_tests(compiled(ready.canonical))] == ["", ""]
    assert f"{ready.bundle} revision 1 is a draft, digest {ready.digest[:12]}…" in README
