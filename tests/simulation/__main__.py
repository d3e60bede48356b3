"""`make simulate`: many seeds, shared among processes, or one again.

python -m tests.simulation --seeds 2000 --first 0
python -m tests.simulation --seed 856
"""

import argparse
import json
import multiprocessing
import sys
from collections import Counter

from tests.simulation.simulate import Failed, Outcome, simulate


def main() -> int:
    """How many seeds failed is the exit code, as far as one can say it."""
    asked = _asked()
    seeds = [asked.seed] if asked.seed is not None else range(asked.first, asked.first + asked.seeds)
    seen, failures, last = Counter[str](), list[Failed](), ""
    with multiprocessing.Pool(min(asked.processes, len(seeds))) as pool:
        for number, outcome in enumerate(pool.imap_unordered(_one, seeds), 1):
            if isinstance(outcome, Failed):
                failures.append(outcome)
                _say(f"{outcome}\n\n")
            else:
                seen, last = seen + outcome.seen, outcome.digest
            if sys.stderr.isatty():
                _say(f"\r{number} of {len(seeds)} seeds, {len(failures)} failed ")
    told = {"seeds": len(seeds), "failed": sorted(failure.seed for failure in failures), "seen": dict(seen)}
    told |= {"digest": last} if asked.seed is not None else {}
    sys.stdout.write(json.dumps(told, sort_keys=True) + "\n")
    return min(len(failures), 100)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description="Play seeds, and judge each.")
    parser.add_argument("--seed", type=int, help="this one alone, again, to the byte")
    parser.add_argument("--seeds", type=int, default=1000, help="so many of them")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    return parser.parse_args()


def _one(seed: int) -> Outcome | Failed:
    try:
        return simulate(seed)
    except Failed as failure:
        return failure


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
