"""`foldgate approvals …` against a suite that asks: what is open is listed, shown and answered from a terminal."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from foldgate.contracts.events import RunDenied, RunSucceeded
from tests.support.asking import PAGE, Asking, asking
from tests.support.commands import foldgate
from tests.support.keys import folder_of_keys
from tests.support.logs import Opened, opened_by


class Terminal:
    """Somebody at a terminal, who speaks to one suite."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings

    async def run(self, *words: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(foldgate, "approvals", *words, settings=self._settings)
        return done.returncode, done.stdout, done.stderr

    async def json(self, *words: str) -> Any:
        code, out, errors = await self.run(*words, "--json")
        assert code == 0, errors
        return msgspec.json.decode(out)

    async def fails(self, *words: str) -> tuple[int, str]:
        code, out, errors = await self.run(*words)
        assert code != 0
        return code, out + errors


def settings_of(opened: Opened, postgres_url: str) -> dict[str, str]:
    """What a command must be told to speak to this suite, and to vouch for votes there."""
    return {
        "FOLDGATE_POSTGRES": postgres_url,
        "FOLDGATE_SUITE": opened.suite,
        "FOLDGATE_KEYS": str(folder_of_keys()),
    }


async def asked(suite: Asking, kinds: Sequence[str]) -> list[str]:
    return [await suite.question(kind, PAGE if kind == "input" else None) for kind in kinds]


async def test_questions_are_listed_shown_and_answered(request: pytest.FixtureRequest, postgres_url: str) -> None:
    opened = opened_by("postgres", request)
    terminal = Terminal(settings_of(opened, postgres_url))
    async with opened() as log, asking(log, within_s=110) as suite:
        granted, refused, filled = await asked(suite, ["approval", "approval", "input"])

        listed = await terminal.json("list")
        assert [(one["approval_id"], one["status"]) for one in listed] == [
            (question, "open") for question in (granted, refused, filled)
        ]
        shown = await terminal.json("show", filled)
        assert (shown["kind"], shown["input"], shown["schema"]) == ("input", {"shown": 1}, PAGE)

        said = await terminal.json("approve", granted, "--as", "bob", "--reason", "seen")
        assert (said["counts"], said["status"], said["voter"]) == (True, "granted", "bob")
        assert isinstance(await suite.end(granted), RunSucceeded)
        code, out, _ = await terminal.run("reject", refused, "--as", "bob", "--reason", "not on a Friday")
        assert (code, "refused" in out) == (0, True)
        assert await suite.end(refused) == RunDenied(rule="bob", reason="not on a Friday")

        code, told = await terminal.fails("approve", filled, "--as", "bob", "--input", '{"page":"one"}')
        assert (code, "invalid_data" in told) == (1, True)
        code, told = await terminal.fails("approve", granted, "--as", "eve", "--json")
        assert (code, msgspec.json.decode(told)["code"]) == (1, "run_closed")
        code, told = await terminal.fails("approve", "run_nowhere:step")
        assert (code, "approvals list" in told) == (2, True)
        await terminal.json("approve", filled, "--as", "bob", "--input", '{"page":1}')
        assert await suite.end(filled) == RunSucceeded(output='{"page":1}')

        _, open_ones, _ = await terminal.run("list")
        assert not any(question in open_ones for question in (granted, refused, filled))
        after = await terminal.json("list", "--all")
        assert [one["status"] for one in after] == ["granted", "refused", "granted"]
        _, out, _ = await terminal.run("show", filled)
        assert "bob: yes" in out
        assert '{"page":1}' in out
