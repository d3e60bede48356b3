"""What a change of policy that somebody may ask for leads to, or why it is refused."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from foldgate.authority.bundles import BundleInvalid, PreparedBundle, prepare
from foldgate.authority.snapshot import MAX_BYTES, name_of
from foldgate.contracts.events import (
    PolicyDeleteRequested,
    PolicyDrafted,
    PolicyPublished,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRollbackRequested,
    PolicyShadowed,
    PolicyShadowRequested,
    PolicyVersion,
)
from foldgate.policy_kernel.policies.state import Draft, Policy, Version

Change = (
    PolicyPutRequested
    | PolicyPublishRequested
    | PolicyRollbackRequested
    | PolicyDeleteRequested
    | PolicyShadowRequested
)

MAX_SOURCE_BYTES = 512 * 1024
"""A draft's event carries it and its canonical form, and an append takes 900 KiB."""
MAX_REASON = 2000
MAX_PROBLEMS, MAX_PROBLEM_CHARACTERS = 100, 500


class Refused(Exception):
    """A change that changes nothing. `code` is stable, the text says what was expected."""

    def __init__(self, code: str, reason: str, *, bundle: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.code, self.bundle, self.problems = code, bundle, problems


class Changes:
    """The changes of one policy that somebody asks for; `author` has signed the document, if there is one."""

    def __init__(self, policy: Policy, *, by: str, author: str, require_signed: bool) -> None:
        self._policy, self._by, self._author, self._require_signed = policy, by, author, require_signed

    def made(self, asked: Change) -> PolicyDrafted | PolicyPublished | PolicyShadowed:
        """The event that makes the change; raises Refused."""
        match asked:
            case PolicyPutRequested():
                return self.put(asked)
            case PolicyPublishRequested():
                return self.publish(asked)
            case PolicyRollbackRequested():
                return self.roll_back(asked)
            case PolicyDeleteRequested():
                return self.delete(asked)
            case PolicyShadowRequested():
                return self.shadow(asked)
            case _:
                assert_never(asked)

    def put(self, asked: PolicyPutRequested) -> PolicyDrafted:
        """The next draft of a bundle, from the revision that its author knew."""
        prepared = _prepared(asked)
        last = self._policy.drafts.get(asked.bundle)
        revision = last.revision if last else 0
        if asked.revision != revision:
            reason = f"Expected a change of revision {revision} of '{asked.bundle}', but it is one of {asked.revision}."
            raise Refused("revision_conflict", reason + " Look at what has changed meanwhile.")
        return PolicyDrafted(
            bundle=asked.bundle,
            revision=revision + 1,
            digest=prepared.digest,
            definition=prepared.canonical,
            source=asked.source,
            reason=asked.reason[:MAX_REASON],
            by=self._by,
            author=self._author,
        )

    def publish(self, asked: PolicyPublishRequested) -> PolicyPublished:
        """The snapshot with these drafts in the place of what is active of their bundles."""
        bundles = tuple(dict.fromkeys(asked.bundles)) or self._policy.waiting()
        if not bundles:
            raise Refused("nothing_to_publish", "Expected a draft that waits to be published, but there is none.")
        drafts = {bundle: self._publishable(bundle) for bundle in bundles}
        if all(self._is_active(bundle, draft.digest) for bundle, draft in drafts.items()):
            named = ", ".join(drafts)[:200]
            raise Refused("unchanged", f"Expected a draft that differs from what is active, but these do not: {named}.")
        counts = self._policy.versions
        new = {name: Version(name, counts.get(name, 0) + 1, draft.digest) for name, draft in drafts.items()}
        active = {version.bundle: version for version in self._policy.bundles()}
        forms = {draft.digest: draft.definition for draft in drafts.values()}
        return self._snapshot((active | new).values(), kind="publish", reason=asked.reason, forms=forms)

    def roll_back(self, asked: PolicyRollbackRequested) -> PolicyPublished:
        """A snapshot that was active before, as it was then."""
        name = asked.policy_snapshot
        if name not in self._policy.snapshots:
            raise Refused("unknown_snapshot", f"Expected a snapshot that was active, but there is no '{name[:64]}'.")
        if name == self._policy.active:
            raise Refused("unchanged", f"Expected an earlier snapshot, but '{name}' is the one that is active.")
        versions = self._policy.snapshots[name]
        for version in versions:
            if self._require_signed and version.digest not in self._policy.signed:
                reason = (
                    f"Expected signed documents, but '{version.bundle}' of that snapshot has no author: put it again."
                )
                raise Refused("bundle_unsigned", reason, bundle=version.bundle)
            _check_still_valid(version.bundle, self._policy.definitions[version.digest])
        return self._snapshot(versions, kind="rollback", reason=asked.reason)

    def delete(self, asked: PolicyDeleteRequested) -> PolicyPublished:
        """The snapshot without this bundle."""
        if self._policy.version(asked.bundle) is None:
            raise Refused("unknown_bundle", f"Expected an active bundle, but '{asked.bundle}' is not one.")
        left = [version for version in self._policy.bundles() if version.bundle != asked.bundle]
        return self._snapshot(left, kind="delete", reason=asked.reason)

    def shadow(self, asked: PolicyShadowRequested) -> PolicyShadowed:
        """The last draft of a bundle is evaluated beside what is active, or no longer."""
        bundle, why = asked.bundle, asked.reason[:MAX_REASON]
        if asked.revision == 0:
            if bundle not in self._policy.shadows:
                raise Refused("not_shadowed", f"Expected a bundle with a shadow, but '{bundle}' has none.")
            return PolicyShadowed(bundle=bundle, revision=0, reason=why, by=self._by)
        draft = self._draft(bundle)
        if asked.revision != draft.revision:
            reason = f"Expected the last revision of '{bundle}', {draft.revision}, but got {asked.revision}."
            raise Refused("revision_conflict", reason)
        if self._is_active(bundle, draft.digest):
            raise Refused("unchanged", f"Expected a draft that differs from what is active of '{bundle}'.")
        return PolicyShadowed(
            bundle=bundle,
            revision=draft.revision,
            digest=draft.digest,
            definition=draft.definition,
            reason=why,
            by=self._by,
        )

    def _publishable(self, bundle: str) -> Draft:
        draft = self._draft(bundle)
        if self._require_signed and not draft.author:
            reason = (
                f"Expected a signed document, but the last draft of '{bundle}' has no author: put it again, signed."
            )
            raise Refused("bundle_unsigned", reason, bundle=bundle)
        _check_still_valid(bundle, draft.definition)
        return draft

    def _draft(self, bundle: str) -> Draft:
        if bundle not in self._policy.drafts:
            reason = f"Expected a bundle with a draft, but there is no '{bundle[:200]}'."
            raise Refused("unknown_bundle", reason, bundle=bundle[:200])
        return self._policy.drafts[bundle]

    def _is_active(self, bundle: str, digest: str) -> bool:
        version = self._policy.version(bundle)
        return version is not None and version.digest == digest

    def _snapshot(
        self, versions: Iterable[Version], *, kind: str, reason: str, forms: Mapping[str, str] | None = None
    ) -> PolicyPublished:
        known = {**self._policy.definitions, **(forms or {})}
        bundles = tuple(
            PolicyVersion(
                bundle=version.bundle,
                version=version.version,
                digest=version.digest,
                definition=known[version.digest],
            )
            for version in sorted(versions, key=lambda version: version.bundle)
        )
        if (size := sum(len(one.definition.encode()) for one in bundles)) > MAX_BYTES:
            told = f"Expected active bundles of at most {MAX_BYTES} bytes together, but these have {size}."
            raise Refused("too_large", told)
        return PolicyPublished(
            policy_snapshot=name_of((one.bundle, one.digest) for one in bundles),
            bundles=bundles,
            kind=kind,
            replaces=self._policy.active,
            reason=reason[:MAX_REASON],
            by=self._by,
        )


def _prepared(asked: PolicyPutRequested) -> PreparedBundle:
    if (size := len(asked.source.encode())) > MAX_SOURCE_BYTES:
        raise Refused("too_large", f"Expected a document of at most {MAX_SOURCE_BYTES} bytes, but it has {size}.")
    try:
        prepared = prepare(asked.source)
    except BundleInvalid as invalid:
        raise _invalid(asked.bundle, invalid, "a bundle without mistakes") from None
    if prepared.bundle != asked.bundle:
        reason = f"Expected a document of the bundle '{asked.bundle}', but it is of '{prepared.bundle}'."
        raise Refused("id_mismatch", reason)
    return prepared


def _check_still_valid(bundle: str, definition: str) -> None:
    """What was a bundle once may be none any more, for a later edition of this kernel."""
    try:
        prepare(definition)
    except BundleInvalid as invalid:
        raise _invalid(bundle, invalid, f"a bundle '{bundle[:200]}' that this edition reads") from None


def _invalid(bundle: str, invalid: BundleInvalid, expected: str) -> Refused:
    problems = [str(problem)[:MAX_PROBLEM_CHARACTERS] for problem in invalid.problems]
    reason = f"Expected {expected}, but found {len(problems)}, the first: {problems[0]}"
    return Refused("invalid", reason, bundle=bundle, problems=tuple(problems[:MAX_PROBLEMS]))
