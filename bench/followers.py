"""Followers of a running gateway that has nothing to tell them: what a thousand cost in memory and time.

python -m bench.followers PORT PID [--key KEY] [--followers 1000] [--json]
"""

import argparse
import asyncio
import json

import psutil

AT_ONCE, SETTLED_S, WATCHED_S = 50, 3.0, 5.0
MB = 1024 * 1024
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def follower(port: int, key: str) -> Connection:
    """Follow all that happens to a tenant."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {key}\r\n\r\n"
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head, head
    return reader, writer


async def measured(chosen: argparse.Namespace) -> dict[str, float]:
    """Look at the process before they come, and while they are there."""
    process, there = psutil.Process(chosen.pid), list[Connection]()
    before = process.memory_info().rss
    while len(there) < chosen.followers:
        there += await asyncio.gather(*(follower(chosen.port, chosen.key) for _ in range(AT_ONCE)))
    await asyncio.sleep(SETTLED_S)
    more = (process.memory_info().rss - before) / MB
    process.cpu_percent()
    await asyncio.sleep(WATCHED_S)
    figures = {"followers": len(there), "more_mb": round(more, 1), "idle_cpu_percent": process.cpu_percent()}
    for _, writer in there:
        writer.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("pid", type=int)
    parser.add_argument("--key", default="")
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = asyncio.run(measured(chosen))
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name:20}{value:>10}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
