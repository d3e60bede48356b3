"""`foldgate policy backtest` against a suite on PostgreSQL: what was decided there, under a bundle in a file."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from foldgate.contracts.events import WritIssued
from foldgate.sdk.client import Client
from tests.support.commands import foldgate
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.logs import opened_by
from tests.support.suite import running
from tests.support.waiting import until

BUNDLE = """
bundle: team/floor
default_decision: allow
rules:
  - {id: stop, match: {topics: [job.stopped]}, decision: deny, reason: Not on a Friday.}
"""


async def test_what_would_change_is_told(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> None:
    opened = opened_by("postgres", request)
    settings = {"FOLDGATE_POSTGRES": postgres_url, "FOLDGATE_SUITE": opened.suite}
    file, wrong = tmp_path / "floor.yaml", tmp_path / "wrong.yaml"
    file.write_text(BUNDLE)
    wrong.write_text("bundle: team/floor\nrules: [{id: a, decision: perhaps}]\n")

    async def command(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(foldgate, "policy", "backtest", *words, settings=settings)
        return done.returncode, done.stdout + (done.stderr if done.returncode else "")

    async with opened() as log, asyncio.timeout(110):
        async with running(log):
            client = Client(log, signer=ISSUER)
            await client.run_job("job.stopped")
            await client.run_job("job.fine")

            async def are_decided() -> bool:
                return len((await history_of(log)).of(WritIssued)) == 2

            await until(are_decided, what="two writs")
        before = (await history_of(log)).facts
        code, out = await command(str(file), "--json")
        assert code == 0, out
        found = msgspec.json.decode(out)
        assert (found["decisions"], found["same"], found["changed"], found["unknown"]) == (4, 3, 1, 0)
        [change] = found["changes"]
        assert (change["was"], change["would_be"], change["rule"]) == ("allow", "deny", "team/floor#stop")
        code, out = await command(str(file), "--days", "1")
        assert (code, "1 would be others" in out, "team/floor#stop" in out) == (0, True, True)
        code, out = await command(str(wrong))
        assert (code != 0, "wrong.yaml:2:" in out) == (True, True)
        assert (await history_of(log)).facts == before, "no service is there, and nothing is written"
