"""Tries policy before it holds: the tests that bundles carry, and jobs and runs that are made up."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from foldgate.authority.bundle import CaseJob, CaseRun
from foldgate.authority.bundles import compiled
from foldgate.authority.cases import CaseResult, made_up, run_tests
from foldgate.authority.explaining import explain
from foldgate.authority.policy_history import as_version as of_draft
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.cli.asking import parsed
from foldgate.cli.mistakes import FAILED, AskedWrongly, CannotGoOn
from foldgate.cli.policy_documents import as_version, bundles_in
from foldgate.cli.policy_history import history
from foldgate.cli.policy_telling import as_object, print_explanation
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import harmless, say, say_json
from foldgate.contracts.events import PolicyVersion
from foldgate.language.models import Model

Case = TypeVar("Case", bound=Model)


class NoBundle(CannotGoOn):
    """A document is no bundle; what is wrong was told."""


def run_all(files: Sequence[str], *, as_json: bool) -> int:
    """Run the tests of these bundles."""
    bundles = bundles_in(files, as_json=as_json)
    if bundles is None:
        return FAILED
    results = [(document.file, run_tests(compiled(prepared.canonical))) for document, prepared in bundles]
    if as_json:
        say_json([{"file": file, **_result(one)} for file, tests in results for one in tests])
    else:
        for file, tests in results:
            _print(file, tests)
    return FAILED if any(one.problem for _, tests in results for one in tests) else 0


def _result(one: CaseResult) -> dict[str, Any]:
    said = {"decision": one.outcome.decision, "rule": one.outcome.rule, "reason": one.outcome.reason}
    return {"test": one.name, "passed": not one.problem, "problem": one.problem, **said}


def _print(file: str, tests: Sequence[CaseResult]) -> None:
    for one in tests:
        if one.problem:
            say(f"{file}: {harmless(one.name, most=150)}: {harmless(one.problem, most=500)}", style="red")
    passed = sum(not one.problem for one in tests)
    said = f"{passed} of {len(tests)} tests pass" if tests else "it has no tests"
    say(f"{file}: {said}", style="green" if passed == len(tests) else "red")


async def simulate_one(
    job: str, run: str, *, files: Sequence[str], drafts: bool, alone: bool, data: Path | None, as_json: bool
) -> None:
    """Print what would be decided."""
    if not job and not run:
        raise AskedWrongly('Expected --job JSON or --run JSON, such as --job \'{"topic": "job.echo"}\'.')
    facts, phase = made_up(_case(job, "--job", CaseJob), _case(run, "--run", CaseRun))
    bundles = bundles_in(files, as_json=as_json)
    if bundles is None:
        raise NoBundle("Expected bundles of rules, but there are mistakes in them.")
    given = [as_version(prepared) for _, prepared in bundles]
    snapshot = snapshot_of(given) if alone else await _snapshot(given, drafts=drafts, data=data)
    found = explain(snapshot, facts, phase=phase)
    if as_json:
        say_json(as_object(found))
    else:
        print_explanation(found)


async def _snapshot(given: Sequence[PolicyVersion], *, drafts: bool, data: Path | None) -> Snapshot:
    """What is active, with these in the place of what is active of their bundles."""
    async with opened(data) as suite:
        found, default = await history(suite), suite.settings.default_decision
    waiting = [of_draft(draft) for draft in found.waiting] if drafts else []
    return found.with_([*waiting, *given], default_decision=default)


def _case(text: str, option: str, kind: type[Case]) -> Case | None:
    if not text:
        return None
    try:
        return kind.model_validate(parsed(text, option))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        known = ", ".join(kind.model_fields)
        raise AskedWrongly(
            f"Expected {option} with {known}, but {harmless(where, most=100)}: {harmless(first['msg'], most=200)}."
        ) from None
