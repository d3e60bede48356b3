"""A worker over HTTP with Python's standard library alone: `python plain_python.py`, FOLDGATE_URL, FOLDGATE_API_KEY."""

import json
import os
import threading
import urllib.error
import urllib.request
from typing import Any

URL = os.environ.get("FOLDGATE_URL", "http://127.0.0.1:8081") + "/api/v1"
HEADERS = {"X-API-Key": os.environ.get("FOLDGATE_API_KEY", "")}


def post(path: str, **body: object) -> Any:
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), HEADERS)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def beat() -> None:
    while not stopped.wait(me["beat_every_ms"] / 1000):
        try:
            post(f"/workers/{me['worker']}/heartbeat", token=me["token"], holding=list(holding))
        except OSError as error:
            print("not heard:", error)


me = post("/workers", name="plain-python", max_parallel=1, topics=["job.echo"])
holding, stopped = set(), threading.Event()
threading.Thread(target=beat, daemon=True).start()
while True:
    for job in post(f"/workers/{me['worker']}/lease", token=me["token"], n=1, wait=20)["jobs"]:
        holding.add(job["lease"])
        try:
            post(f"/jobs/{job['job_id']}/start", token=job["lease_token"])
            post(f"/jobs/{job['job_id']}/complete", token=job["lease_token"], output={"said": job["input"]})
        except urllib.error.HTTPError as problem:  # its text says what was wrong, and what to do
            print(problem.read().decode())
        holding.discard(job["lease"])
