"""`foldgate up` on PostgreSQL from a warm environment: time to ready, memory and CPU while idle, time to stop.

python -m bench.start [--json]
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import psutil

ROUNDS = 5
IDLE_S = 3.0
MB = 1024 * 1024


def once(data: str) -> dict[str, float]:
    """Start, look, stop."""
    started = time.monotonic()
    command = [sys.executable, "-m", "foldgate.cli.main", "up", "--data", data, "--port", "0"]
    suite = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert suite.stdout is not None
        while "is up at" not in (line := suite.stdout.readline()):
            assert line, f"expected the suite to come up, but it left with {suite.wait()}"
        ready = time.monotonic() - started
        process = psutil.Process(suite.pid)
        process.cpu_percent()
        time.sleep(IDLE_S)
        idle = {"rss_mb": process.memory_info().rss / MB, "idle_cpu_percent": process.cpu_percent()}
        stopping = time.monotonic()
        suite.send_signal(signal.SIGTERM)
        suite.wait()
        return {"ready_s": ready, "stop_s": time.monotonic() - stopping, **idle}
    finally:
        if suite.poll() is None:
            suite.kill()
            suite.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        once(data)
        rounds = [once(data) for _ in range(ROUNDS)]
    figures = {name: round(statistics.median(found[name] for found in rounds), 2) for name in rounds[0]}
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name:20}{value:>10}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
