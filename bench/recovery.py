"""After kill -9 of every service and the worker, with 500 live runs: how long until each run's next step begins.

    python -m bench.recovery [--driver postgres|kafka] [--json] [--runs N]

Each run has a job in the hands of a worker when all is killed: that attempt has to be lost, and the job decided on
anew, before the next one begins. Leases last 2 s. Measured is from when the last service says that it is ready again,
which itself is `ready` seconds after the kill.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.servers import address, opened
from foldgate.sdk import Client
from tests.support.keys import ISSUER
from tests.support.processes import SERVICES, processes
from tests.support.waiting import until

RUNS, TOGETHER, SUITE = 500, 100, "recovering"
GIVEN = {
    "FOLDGATE_SUITE": SUITE,
    "FOLDGATE_LEASE_MS": "2000",
    "FOLDGATE_SESSION_TIMEOUT_MS": "2000",
    "FOLDGATE_POSITIONS_EVERY_MS": "1000",
    "FOLDGATE_CHECKPOINT_EVERY_MS": "10000",
}
WANTED_S = {"median_s": 3.0, "last_s": 8.0}


def begun(file: Path, *, after: float) -> dict[str, float]:
    """When each run's handler first began after that time."""
    found: dict[str, float] = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        job, at = line.split()
        if float(at) > after:
            found.setdefault(job.partition(":")[0], float(at))
    return found


async def measured(driver: str, where: str, folder: Path, *, runs: int) -> dict[str, float]:
    """Seconds."""
    file = folder / "begun"
    given = {**GIVEN, f"FOLDGATE_{driver.upper()}": where}
    async with opened(driver, where, SUITE) as log:
        with processes(given, folder) as started:
            for name in SERVICES:
                started.service(name)
            started.program("worker", "bench.recovery_worker", BEGUN=str(file))
            client = Client(log, principal="bench", signer=ISSUER)
            for _ in range(0, runs, TOGETHER):
                await asyncio.gather(*(client.run_job("job.endless") for _ in range(TOGETHER)))
            await until(lambda: len(begun(file, after=0)) >= runs, what="all to begin", within_s=120)
            for process in started.all.values():
                process.kill()
            killed_at = time.time()
            for process in started.all.values():
                process.start()
            services = [started.all[f"{name}-1"] for name in SERVICES]
            await until(lambda: all(len(one.logged("ready")) >= 2 for one in services), what="all to be ready")
            ready_at = time.time()
            await until(lambda: len(begun(file, after=killed_at)) >= runs, what="all to go on", within_s=120)
    again = sorted(begun(file, after=killed_at).values())
    return {
        "ready_s": ready_at - killed_at,
        "median_s": again[len(again) // 2] - ready_at,
        "last_s": again[-1] - ready_at,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "kafka"), action="append")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=RUNS)
    chosen = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for driver in chosen.driver or ("postgres", "kafka"):
        with address(driver) as where, tempfile.TemporaryDirectory() as folder:
            found[driver] = uvloop.run(measured(driver, where, Path(folder), runs=chosen.runs))
        if not chosen.json:
            for name, figure in found[driver].items():
                wanted = f"   (wanted: {WANTED_S[name]:g})" if name in WANTED_S else ""
                print(f"{driver:10} {name:10} {figure:>6.2f}{wanted}", flush=True)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
