"""What a decision costs: rules, conditions and traces, by bundles of ten rules and of two hundred. One core, no I/O.

    python -m bench.policy [--json]

Each decision is on a job of its own, whose facts are made for it, as the policy kernel does. Jobs differ in topic,
tenant and input; of the rules one in five has a condition. Of two hundred rules those with one are each about the
topics of one of twenty teams; "all evaluated" is the bundle whose conditions are about any topic, the worst there is.
Each figure is the median of five rounds, in time of the processor, so that others on the machine count less.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec

from foldgate.authority.bundles import compiled, prepare
from foldgate.authority.deciding import decide
from foldgate.authority.explaining import explain
from foldgate.authority.facts import RunFacts, facts_of_job
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts import ids
from foldgate.contracts.events import Job, PolicyVersion

ROUNDS, TIMES, TENANTS = 5, 4000, 50
WANTED = {"decisions/s, 10 rules, 2 conditions": 20_000, "decisions/s, 200 rules, 40 conditions": 4_000}
RUN = RunFacts(id=ids.run_id("acme", "deploy", "1"), workflow="deploy", labels={"env": "prod"}, input='{"size":3}')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    figures = measured()
    if parser.parse_args().json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            wanted = f"   (wanted: {WANTED[name]:,})" if name in WANTED else ""
            print(f"{name:56} {figure:>12,.0f}{wanted}")
    return int(any(figures[name] < wanted for name, wanted in WANTED.items()))


def measured() -> dict[str, float]:
    """Every figure by its name."""
    figures: dict[str, float] = {}
    for rules, teams in ((10, 1), (200, 20), (200, 1)):
        snapshot, jobs = snapshot_with(rules, teams=teams), jobs_for(rules)
        name = f"{rules} rules, {rules // 5} conditions" + (" all evaluated" if rules > 10 and teams == 1 else "")
        figures[f"decisions/s, {name}"] = _rate(partial(_decide, snapshot, jobs), len(jobs))
        figures[f"explanations/s, {name}"] = _rate(partial(_explain, snapshot, jobs[:100]), len(jobs[:100]))
    source = bundle_with(200, teams=20)
    figures["bundles/s read and checked, 200 rules"] = _rate(lambda: prepare(source), 1)
    return figures


def snapshot_with(rules: int, *, teams: int) -> Snapshot:
    """The snapshot of one bundle with so many rules."""
    prepared = prepare(bundle_with(rules, teams=teams))
    version = PolicyVersion(bundle=prepared.bundle, version=1, digest=prepared.digest, definition=prepared.canonical)
    compiled(prepared.canonical)
    return snapshot_of([version])


def bundle_with(rules: int, *, teams: int) -> str:
    """One rule in five has a condition that is true of no job, so that the rules after it are looked at, too. The
    others are about other topics, tenants, tags and labels; the last lets everything through."""
    listed = [_rule(number, teams) for number in range(rules - 1)]
    listed.append({"id": "rest", "decision": "allow"})
    return json.dumps({"bundle": "bench/policy", "rules": listed})


def _rule(number: int, teams: int) -> dict[str, object]:
    topics = ["job.*" if teams == 1 else f"job.deploy{number // 5 % teams}.*"]
    kinds: list[dict[str, object]] = [
        {"match": {"topics": topics}, "when": f"job.input.replicas > {number + 100} && run.labels['env'] == 'prod'"},
        {"match": {"topics": [f"job.area{number}.*"]}},
        {"match": {"tenants": [f"tenant{number}-*"]}},
        {"match": {"risk_tags": ["prod", f"tag{number}"]}},
        {"match": {"labels": {"team": f"team{number}"}}},
    ]
    return {"id": f"rule{number}", "decision": "deny", **kinds[number % 5]}


def jobs_for(rules: int) -> list[Job]:
    """Jobs that no rule but the last is about."""
    return [_job(number, rules) for number in range(TIMES * 10 // rules)]


def _job(number: int, rules: int) -> Job:
    return Job(
        job_id=ids.job_id(RUN.id, "apply", number + 1),
        step="apply",
        attempt=number + 1,
        kind="job",
        topic=f"job.deploy{number % 20}.apply",
        input=msgspec.json.encode({"replicas": number % 50, "image": "web:1.2", "rules": rules}).decode(),
        labels={"env": "prod", "team": "web"},
        tenant=f"acme{number % TENANTS}",
        principal="ada@example.com",
        workflow="deploy",
        risk_tags=("prod", "write"),
    )


def _decide(snapshot: Snapshot, jobs: list[Job]) -> None:
    for job in jobs:
        assert decide(snapshot, facts_of_job(job, RUN), phase="dispatch").decision == "allow"


def _explain(snapshot: Snapshot, jobs: list[Job]) -> None:
    for job in jobs:
        explain(snapshot, facts_of_job(job, RUN), phase="dispatch")


def _rate(work: Callable[[], object], times: int) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        rounds.append(times / (time.process_time() - began))
    return statistics.median(rounds)


if __name__ == "__main__":
    sys.exit(main())
