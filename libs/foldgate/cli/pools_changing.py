"""Changes pools, vouched for by the issuer of the suite, and tells what the scheduler said to it."""

from pathlib import Path
from typing import Any

from foldgate.authority.pools_reading import PoolsInvalid
from foldgate.authority.pools_terms import layout_of
from foldgate.cli.documents import print_problems, read_document
from foldgate.cli.policy_changing import changed
from foldgate.cli.pools_known import known
from foldgate.cli.reaching import opened
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.contracts.events import Event, PoolChanged, PoolsPublished, PoolsRefused
from foldgate.sdk.pools import a_drain, a_layout, an_opening


async def put_document(
    file: str, *, reason: str, revision: int | None, by: str, data: Path | None, as_json: bool
) -> bool:
    """Put this document, if it is one."""
    source = read_document(file, "a document of pools")
    try:
        asked = a_layout(source.decode("utf-8", "replace"), revision=revision or 0, reason=reason)
    except PoolsInvalid as mistakes:
        if as_json:
            say_json({"file": file, "valid": False, "problems": plain(mistakes.problems)})
        else:
            print_problems(file, mistakes.problems)
        return False
    async with opened(data) as suite:
        if revision is None:
            asked = a_layout(source.decode(), revision=(await known(suite)).revision, reason=reason)
        said = await changed(suite, asked, by=by)
    return tell(said, as_json=as_json)


async def drain_pool(pool: str, *, draining: bool, reason: str, by: str, data: Path | None, as_json: bool) -> bool:
    """Close a pool, or open it."""
    asked = a_drain(pool, reason=reason) if draining else an_opening(pool, reason=reason)
    async with opened(data) as suite:
        said = await changed(suite, asked, by=by)
    return tell(said, as_json=as_json)


def tell(said: Event, *, as_json: bool) -> bool:
    """What came of it; whether it was done."""
    if as_json:
        say_json(as_object(said))
    else:
        _print(said)
    return not isinstance(said, PoolsRefused)


def as_object(said: Event) -> dict[str, Any]:
    """A verdict as programs get it, without the document."""
    status = {"PoolsPublished": "published", "PoolChanged": "changed"}.get(type(said).__name__, "refused")
    return {"status": status, **{name: value for name, value in plain(said).items() if name != "document"}}


def _print(said: Event) -> None:
    match said:
        case PoolsPublished():
            layout = layout_of(said.document)
            names = ", ".join(pool.name for pool in layout.pools)
            count = "1 route" if len(layout.routes) == 1 else f"{len(layout.routes)} routes"
            say(f"Revision {said.revision} holds, with {count}: {names}.", style="green")
        case PoolChanged(is_open=True):
            say(f"{said.pool} takes jobs.", style="green")
        case PoolChanged():
            words = f" ({harmless(said.words)})" if said.words else ""
            say(f"{said.pool} takes no more jobs: {said.reason}{words}.", style="green")
        case PoolsRefused(problems=problems):
            say(f"{said.code}: {harmless(said.reason, most=1000)}", style="red")
            for problem in problems:
                say(f"  {harmless(problem)}", style="red")
        case _:
            say(told(said))
