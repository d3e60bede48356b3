"""What signatures cost: writs, leases, and the proofs of reports. One core, no I/O.

    python -m bench.authority [--json]

Certificates are known, as they are in a process that has seen one before; the first check of one is measured apart.
"A writ" is one signature and one check, beside what Ed25519 takes for them alone. "A job" is all
that is signed and checked for one attempt from its writ to its end: by the policy kernel, the scheduler,
the worker, the scheduler again and the engine. Each figure is the median of five rounds, in time of the processor.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foldgate.authority.canonical import canonical_bytes
from foldgate.authority.keys import Trust, keys_in
from foldgate.authority.lease import sign_lease, verify_lease
from foldgate.authority.token import is_genuine, token, with_mac
from foldgate.authority.writ import job_hash, sign_writ, verify
from foldgate.contracts import ids
from foldgate.contracts.events import Job, JobDispatched, JobSucceeded, Writ
from foldgate.runtime.key_making import new_files
from foldgate.runtime.keys import ROOT, Keys

ROUNDS, TIMES, AT = 5, 1000, 1_000
WANTED = {"a writ: signed and checked": 6_667, "a job: signed and checked by all": 1_000}
FILES = new_files(AT)
KEYS = Keys(FILES.__getitem__)
TRUST, ROOTS = KEYS.trust, keys_in(FILES[ROOT].decode())
CERTIFICATE = KEYS.kernel.certificate.encoded()
JOB = Job(
    job_id=ids.job_id(ids.run_id("acme", "deploy", "1"), "apply", 1),
    step="apply",
    attempt=1,
    kind="job",
    topic="job.deploy.apply",
    input=msgspec.json.encode({"replicas": 3, "image": "web:1.2", "notes": "x" * 1000}).decode(),
    tenant="acme",
    principal="ada@example.com",
    workflow="deploy",
)
WRIT = Writ(
    writ_id=ids.writ_id(JOB.job_id, "snapshot_1"),
    job_id=JOB.job_id,
    job_hash=job_hash(JOB),
    pool="default",
    policy_snapshot="snapshot_1",
    rule="bench#rule",
    issued_at=AT,
    expires_at=AT + 300_000,
)
SIGNED = sign_writ(KEYS.kernel, WRIT)
BYTES = canonical_bytes("writ", WRIT)
PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key()
SECRET = token(KEYS.suite[0], job_id=JOB.job_id, lease=1, worker="w/1")
UNGIVEN = JobDispatched(job=JOB, writ=SIGNED, worker="w/1", lease=1, lease_ms=12_000, beat=1, token=SECRET)
GIVEN = sign_lease(KEYS.scheduler, UNGIVEN, at=AT)
REPORT = JobSucceeded(job_id=JOB.job_id, lease=1, worker="w/1", output='{"done":true}')
PROVED = with_mac(SECRET, REPORT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    figures = {f"{name}/s": _rate(work) for name, work in WORK.items()}
    if as_json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            wanted = WANTED.get(name.removesuffix("/s"))
            print(f"{name:48} {figure:>12,.0f}{f'   (wanted: {wanted:,})' if wanted else ''}")
    return int(any(figures[f"{name}/s"] < wanted for name, wanted in WANTED.items()))


def _verify_writ() -> None:
    verify(SIGNED, JOB, trust=TRUST, pool="default", at=AT)


def _writ() -> None:
    verify(sign_writ(KEYS.kernel, WRIT), JOB, trust=TRUST, pool="default", at=AT)


def _signatures_alone() -> None:
    PUBLIC.verify(PRIVATE.sign(BYTES), BYTES)


def _first_certificate() -> None:
    Trust(ROOTS).certificate(CERTIFICATE)


def _job() -> None:
    writ = sign_writ(KEYS.kernel, msgspec.structs.replace(WRIT, job_hash=job_hash(JOB)))
    secret = token(KEYS.suite[0], job_id=JOB.job_id, lease=1, worker="w/1")
    given = sign_lease(KEYS.scheduler, msgspec.structs.replace(UNGIVEN, writ=writ, token=secret), at=AT)
    verify_lease(TRUST, given, issued_at=AT, at=AT)
    verify(given.writ, given.job, trust=TRUST, pool="default", at=AT)
    report = with_mac(given.token, REPORT)
    assert is_genuine(KEYS.suite, report), "says the scheduler"
    assert is_genuine(KEYS.suite, report), "says the engine"


WORK: dict[str, Callable[[], object]] = {
    "hashes of jobs with 1 KB of input": lambda: job_hash(JOB),
    "writs signed": lambda: sign_writ(KEYS.kernel, WRIT),
    "writs checked": _verify_writ,
    "a writ: signed and checked": _writ,
    "… as Ed25519 does it, without the rest": _signatures_alone,
    "leases signed": lambda: sign_lease(KEYS.scheduler, UNGIVEN, at=AT),
    "leases checked": lambda: verify_lease(TRUST, GIVEN, issued_at=AT, at=AT),
    "reports proved": lambda: with_mac(SECRET, REPORT),
    "reports checked": lambda: is_genuine(KEYS.suite, PROVED),
    "certificates checked for the first time": _first_certificate,
    "a job: signed and checked by all": _job,
}


def _rate(work: Callable[[], object]) -> float:
    rounds = []
    work()
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES):
            work()
        rounds.append(TIMES / (time.process_time() - began))
    return statistics.median(rounds)


if __name__ == "__main__":
    sys.exit(main())
