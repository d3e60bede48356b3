"""Policy on the command line: the stream of it folded, words for what holds, and bundles tried without a suite."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from foldgate.authority.snapshot import name_of
from foldgate.cli.default_policy import default_policy
from foldgate.cli.first_policy import in_words
from foldgate.cli.mistakes import FAILED, AskedWrongly
from foldgate.cli.policy_changing import as_object
from foldgate.cli.policy_documents import bundles_in, judged
from foldgate.cli.policy_history import History, NoSuchPolicy
from foldgate.cli.policy_trying import run_all, simulate_one
from foldgate.cli.terminal import console
from foldgate.contracts.events import (
    Event,
    PolicyDrafted,
    PolicyPublished,
    PolicyRefused,
    PolicyShadowed,
    PolicyVersion,
)
from tests.support.given import meta
from tests.support.policies import bundle, version

DENYING: dict[str, object] = {"decision": "deny", "match": {"topics": ["mail.*"]}}


@pytest.fixture(autouse=True)
def fresh_console(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Printed where this test looks, and nowhere that is gone when the next one prints."""
    del capsys
    console.cache_clear()
    yield
    console.cache_clear()


class Told:
    """A stream of policies under test, as it is read."""

    def __init__(self) -> None:
        self.history, self.offset = History(), 0

    def say(self, event: Event) -> None:
        self.offset += 1
        self.history.add(meta("policies"), event, self.offset)

    def draft(self, name: str, *rules: dict[str, object], default: str = "allow") -> PolicyVersion:
        made = version(bundle(name, *rules, default=default))
        self.say(
            PolicyDrafted(
                bundle=name,
                revision=self.history.revision(name) + 1,
                digest=made.digest,
                definition=made.definition,
                by="ada",
            )
        )
        return made

    def publish(self, *bundles: PolicyVersion, kind: str = "publish") -> str:
        name = name_of((one.bundle, one.digest) for one in bundles)
        self.say(PolicyPublished(policy_snapshot=name, bundles=bundles, kind=kind, by="ada"))
        return name


def waiting(told: Told) -> list[tuple[str, int]]:
    return [(draft.bundle, draft.revision) for draft in told.history.waiting]


def test_a_draft_waits_until_it_is_published() -> None:
    told = Told()
    a, b = told.draft("a"), told.draft("b")
    assert waiting(told) == [("a", 1), ("b", 1)]
    told.publish(a)
    assert waiting(told) == [("b", 1)]
    told.draft("a", DENYING)
    assert waiting(told) == [("a", 2), ("b", 1)]
    told.publish(a, b)
    assert waiting(told) == [("a", 2)], "only what changed is settled"
    told.publish(a, kind="rollback")
    assert waiting(told) == [("a", 2)], "what is taken back settles nothing"
    told.publish(kind="delete")
    assert (waiting(told), told.history.active) == ([], ())


def test_snapshots_are_found_by_how_they_begin() -> None:
    told = Told()
    with pytest.raises(NoSuchPolicy, match="before the active one"):
        told.history.snapshot("")
    first = told.publish(told.draft("a"))
    second = told.publish(told.draft("a", DENYING))
    assert told.history.snapshot(first[:17]).event.policy_snapshot == first
    assert told.history.snapshot(second.removeprefix("snapshot_")).event.policy_snapshot == second
    assert told.history.snapshot("").event.policy_snapshot == first
    for wrong in (first[:16], "snapshot_" + "0" * 24):
        with pytest.raises(NoSuchPolicy, match="policy snapshots"):
            told.history.snapshot(wrong)


def test_who_misspells_a_bundle_is_told_which_there_is() -> None:
    told = Told()
    with pytest.raises(NoSuchPolicy, match="policy show"):
        told.history.last("team/floor")
    told.draft("team/floor")
    assert told.history.last("team/floor").event.revision == 1
    with pytest.raises(NoSuchPolicy, match="did you mean 'team/floor'"):
        told.history.last("team/flor")


def test_the_words_of_up_follow_what_holds() -> None:
    told = Told()
    assert "every job is denied (default_decision=deny)" in in_words(told.history, "deny")
    assert "every job is allowed (default_decision=allow)" in in_words(told.history, "allow")
    told.publish(version(default_policy()))
    assert "asks somebody first" in in_words(told.history, "deny")
    other = version(bundle("foldgate/default"))
    name = told.publish(other)
    assert in_words(told.history, "deny").startswith(f"Policy: {name} of foldgate/default 1.")
    told.publish(version(default_policy()), version(bundle("b")))
    assert "asks somebody first" not in in_words(told.history, "deny"), "another bundle may deny"


def test_verdicts_are_told_without_the_documents() -> None:
    made = version(bundle("a"))
    published = as_object(PolicyPublished(policy_snapshot="s", bundles=(made,), kind="publish"))
    assert published["status"] == "published"
    assert published["bundles"] == [{"bundle": "a", "version": 1, "digest": made.digest}]
    drafted = as_object(PolicyDrafted(bundle="a", revision=1, digest="d", definition="{}", source="x"))
    assert (drafted["status"], {"source", "definition"} & drafted.keys()) == ("drafted", set())
    assert as_object(PolicyShadowed(bundle="a", revision=1))["status"] == "shadowed"
    assert as_object(PolicyRefused(request="r", code="c", reason="w"))["status"] == "refused"


def test_a_document_that_is_no_bundle_is_told_with_its_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("bundle: a\n")
    bad.write_text("bundle: b\nrules:\n  - id: x\n    decide: deny\n")
    assert [one.prepared is not None for one in judged([str(good), str(bad)])] == [True, False]
    assert bundles_in([str(good), str(bad)], as_json=False) is None
    told = capsys.readouterr().out
    assert f"{bad}:4:5: rules[0].decide: Expected a known key" in told
    assert str(good) not in told
    assert bundles_in([str(bad)], as_json=True) is None
    [shown] = msgspec.json.decode(capsys.readouterr().out)
    assert (shown["file"], shown["valid"]) == (str(bad), False)
    with pytest.raises(AskedWrongly, match="a bundle of rules that can be read"):
        judged([str(tmp_path / "none.yaml")])


def test_bundles_run_their_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("bundle: a\n")
    assert run_all([str(file)], as_json=False) == 0
    assert "it has no tests" in capsys.readouterr().out
    file.write_text("bundle: a\ntests: [{name: one, job: {topic: t}, expect: {decision: allow}}]\n")
    assert run_all([str(file)], as_json=True) == FAILED
    [result] = msgspec.json.decode(capsys.readouterr().out)
    assert (result["test"], result["passed"], result["decision"]) == ("one", False, "deny")
    file.write_text("bundel: a\n")
    assert run_all([str(file)], as_json=False) == FAILED


async def simulated(job: str, run: str, files: list[str]) -> None:
    await simulate_one(job, run, files=files, drafts=False, alone=True, data=None, as_json=True)


async def test_jobs_and_runs_that_are_made_up_are_decided_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(msgspec.json.encode(bundle("a", DENYING, default="allow")))
    await simulated('{"topic": "mail.send"}', "", [str(file)])
    said = msgspec.json.decode(capsys.readouterr().out)
    assert (said["decision"], said["rule"], said["bundles"][0]["rules"][0]["decides"]) == ("deny", "a#r0", True)
    await simulated("", '{"workflow": "post"}', [str(file)])
    assert msgspec.json.decode(capsys.readouterr().out)["decision"] == "allow"
    await simulated('{"topic": "x"}', "", [])
    assert msgspec.json.decode(capsys.readouterr().out)["decision"] == "deny", "no bundle at all"
    for job, run in (("", ""), ('{"topik": "x"}', ""), ("", '{"labels": 3}'), ("{", "")):
        with pytest.raises(AskedWrongly):
            await simulated(job, run, [str(file)])
