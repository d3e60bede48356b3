"""Changes policy, vouched for by the issuer of the suite, and tells what the policy kernel said to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foldgate.authority.authorship import sign_document
from foldgate.authority.bundles import PreparedBundle, compiled
from foldgate.authority.cases import run_tests
from foldgate.authority.keys import Signer
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.policy_documents import bundles_in
from foldgate.cli.policy_history import history
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, note, plain, say, say_json
from foldgate.contracts.events import Event, PolicyDrafted, PolicyPublished, PolicyRefused, PolicyShadowed
from foldgate.runtime.keys import Keys, signer_in
from foldgate.sdk.policies import a_bundle, a_deletion, a_publishing, a_rollback, a_shadow
from foldgate.sdk.requests import Request

_HIDDEN = ("definition", "source")


async def put_all(
    files: Sequence[str],
    *,
    reason: str,
    revision: int | None,
    key: Path | None,
    by: str,
    data: Path | None,
    as_json: bool,
) -> bool:
    """Put these drafts; none, if one of the documents is no bundle. `key` is their author's."""
    author = None if key is None else _author(key)
    bundles = bundles_in(files, as_json=as_json)
    if bundles is None:
        return False
    async with opened(data) as suite:
        said = []
        for document, prepared in bundles:
            known = (await history(suite)).revision(prepared.bundle) if revision is None else revision
            source = document.source.decode()
            signature = None if author is None else sign_document(author, source)
            asked = a_bundle(source, revision=known, reason=reason, signature=signature)
            said.append(await changed(suite, asked, by=by))
            _note_tests(document.file, prepared)
    return _tell(said, as_json=as_json, many=True)


async def publish_drafts(bundles: Sequence[str], *, reason: str, by: str, data: Path | None, as_json: bool) -> bool:
    """Make the last drafts of these bundles active, or all that wait."""
    return await _change(a_publishing(bundles, reason=reason), by=by, data=data, as_json=as_json)


async def roll_back(snapshot: str, *, reason: str, by: str, data: Path | None, as_json: bool) -> bool:
    """Make an earlier snapshot active again."""
    async with opened(data) as suite:
        name = (await history(suite)).snapshot(snapshot).event.policy_snapshot
        said = await changed(suite, a_rollback(name, reason=reason), by=by)
    return _tell([said], as_json=as_json)


async def delete_one(bundle: str, *, reason: str, by: str, data: Path | None, as_json: bool) -> bool:
    """Let a bundle be active no longer."""
    return await _change(a_deletion(bundle, reason=reason), by=by, data=data, as_json=as_json)


async def shadow_one(bundle: str, *, end: bool, reason: str, by: str, data: Path | None, as_json: bool) -> bool:
    """Evaluate the last draft of a bundle beside what is active, or no longer."""
    async with opened(data) as suite:
        revision = 0 if end else (await history(suite)).last(bundle).event.revision
        said = await changed(suite, a_shadow(bundle, revision=revision, reason=reason), by=by)
    return _tell([said], as_json=as_json)


async def changed(suite: Reached, asked: Request, *, by: str) -> Event:
    """What the policy kernel says to this, signed with the issuer's key of the suite."""
    client = suite.client("default", principal=by, signer=Keys.of(suite.settings).issuer)
    return (await client.decided(asked)).event


async def _change(asked: Request, *, by: str, data: Path | None, as_json: bool) -> bool:
    async with opened(data) as suite:
        said = await changed(suite, asked, by=by)
    return _tell([said], as_json=as_json)


def _author(key: Path) -> Signer:
    try:
        content = key.read_bytes()
    except OSError as error:
        raise AskedWrongly(f"Expected --sign to name a file that can be read, but: {error.strerror}.") from None
    return signer_in(content, "issuer", where=f"Expected a key in {key}")


def _note_tests(file: str, prepared: PreparedBundle) -> None:
    """A draft may fail its tests; who puts it hears of that."""
    failed = [one for one in run_tests(compiled(prepared.canonical)) if one.problem]
    if failed:
        note(f"{file}: {len(failed)} of its tests fail: see `foldgate policy test {file}`.")


def _tell(said: Sequence[Event], *, as_json: bool, many: bool = False) -> bool:
    if as_json:
        shown = [as_object(event) for event in said]
        say_json(shown if many else shown[0])
    else:
        for event in said:
            _print(event)
    return not any(isinstance(event, PolicyRefused) for event in said)


def as_object(event: Event) -> dict[str, Any]:
    """A verdict as programs get it, without the documents."""
    status = {"PolicyDrafted": "drafted", "PolicyPublished": "published", "PolicyShadowed": "shadowed"}
    shown = {name: value for name, value in plain(event).items() if name not in _HIDDEN}
    if isinstance(event, PolicyPublished):
        shown["bundles"] = [
            {name: value for name, value in one.items() if name not in _HIDDEN} for one in shown["bundles"]
        ]
    return {"status": status.get(type(event).__name__, "refused"), **shown}


def _print(event: Event) -> None:
    match event:
        case PolicyDrafted():
            named = f"{harmless(event.bundle)} revision {event.revision}"
            say(
                f"{named} is a draft, digest {event.digest}. Make it active: `foldgate policy publish"
                f" {harmless(event.bundle)}`.",
                style="green",
            )
        case PolicyPublished():
            held = ", ".join(f"{harmless(one.bundle)} version {one.version}" for one in event.bundles)
            say(f"{event.policy_snapshot} is active: {held or 'no bundle'}.", style="green")
        case PolicyShadowed():
            say(f"{told(event, most=1000)}.", style="green")
        case PolicyRefused(problems=problems):
            say(told(event, most=1000), style="red")
            for problem in problems:
                say(f"  {harmless(problem)}", style="red")
        case _:
            say(told(event))
