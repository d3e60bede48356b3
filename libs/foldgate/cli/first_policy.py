"""The policy that a suite for development begins with, published once; and what holds in it, in words.

It is published where nothing ever was, so whoever deletes it has deleted it. Why a crash at any place is safe: a draft
that was not published is found again, and one that was is never published twice.
"""

from foldgate.authority.bundles import prepare
from foldgate.cli.default_policy import default_policy
from foldgate.cli.policy_changing import changed
from foldgate.cli.policy_history import History, history
from foldgate.cli.reaching import Reached, opened_as
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, note
from foldgate.contracts.events import PolicyRefused
from foldgate.runtime.settings import Settings, SettingsInvalid
from foldgate.sdk.answers import NoVerdict
from foldgate.sdk.policies import a_bundle, a_publishing
from foldgate.sdk.requests import Request

BY = "foldgate up"
_WHY = "what a suite for development begins with"
_BEGINNING = (
    "Policy: {bundle} lets everything run, but a job with the risk tags prod and write asks somebody first.\n"
    "Look at it with `foldgate policy show`. Services that are started by themselves deny what no bundle allows."
)


async def begin_policy(settings: Settings) -> str:
    """Publish the first bundle if nothing ever was, and the settings do not say what is decided without any. What holds
    then, in words."""
    async with opened_as(settings) as suite:
        found = await history(suite)
        if not found.activated and "default_decision" not in settings.model_fields_set:
            await _publish(suite, found)
            found = await history(suite)
    return in_words(found, settings.default_decision)


async def _publish(suite: Reached, found: History) -> None:
    source = default_policy()
    prepared = prepare(source)
    drafts = found.drafts.get(prepared.bundle, [])
    if not drafts or drafts[-1].event.digest != prepared.digest:
        put = a_bundle(source, revision=found.revision(prepared.bundle), reason=_WHY)
        if not await _done(suite, put):
            return
    await _done(suite, a_publishing([prepared.bundle], reason=_WHY))


async def _done(suite: Reached, asked: Request) -> bool:
    """Whether that change was made; where not, people are told. A suite without it runs, and denies."""
    try:
        said = await changed(suite, asked, by=BY)
    except (NoVerdict, SettingsInvalid) as error:
        note(f"The first policy was not published: {error}")
        return False
    if isinstance(said, PolicyRefused):
        note(f"The first policy was not published: {told(said, most=500)}")
    return not isinstance(said, PolicyRefused)


def in_words(found: History, default: str) -> str:
    """What holds in a suite."""
    if not found.active:
        does = "every job is allowed" if default == "allow" else "every job is denied"
        return f"Policy: no bundle is active, so {does} (default_decision={default}). See `foldgate policy put --help`."
    first = prepare(default_policy())
    if [(one.bundle, one.digest) for one in found.active] == [(first.bundle, first.digest)]:
        return _BEGINNING.format(bundle=first.bundle)
    held = ", ".join(f"{harmless(one.bundle, most=60)} {one.version}" for one in found.active)
    return f"Policy: {found.table.active_name} of {held}. Look at it with `foldgate policy show`."
