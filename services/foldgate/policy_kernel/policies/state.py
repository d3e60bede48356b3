"""The policy of a suite: drafts of bundles, and the snapshots of them that were ever active. One aggregate, for ever.

    a bundle      (none) --PolicyDrafted--> drafted --PolicyDrafted--> drafted, with the next revision
    a snapshot    any --PolicyPublished--> this one is active, and the one before it kept
    a shadow      drafted --PolicyShadowed--> evaluated --PolicyShadowed without a definition--> drafted
                  evaluated --PolicyPublished with that very draft--> drafted
    a key         any --KeyTrusted--> known; any --KeyRevoked--> revoked, for ever
    any           --PolicyRefused--> the same

A snapshot is the whole of what holds: publishing, taking back and deleting all lead to one. None is ever forgotten, so
each can become active again, and what was decided under it can be judged again.

A request with a trusted signature is answered once, for ever: whoever reads it on the log and sends it again, years
later, changes nothing. What nobody vouches for is remembered for a while, and stands in no other request's way.
"""

import msgspec

from foldgate.contracts.events import Meta

KEY = "policies"
"""The key of this one aggregate."""
DISMISSED_REMEMBERED = 64
"""Requests without a trusted signature: one that comes again within so many is answered already."""
UNPROVEN = frozenset(
    (
        "unsigned",
        "unknown_key",
        "wrong_purpose",
        "wrong_tenant",
        "key_expired",
        "key_revoked",
        "bad_signature",
        "internal_error",
    )
)
"""The codes of refusals that do not rest on a trusted signature."""


class Draft(msgspec.Struct, frozen=True):
    """The last draft of a bundle; `author` where its document is signed."""

    revision: int
    digest: str
    definition: str
    author: str = ""


class Version(msgspec.Struct, frozen=True):
    """One bundle in a snapshot; its definition lies under its digest."""

    bundle: str
    version: int
    digest: str


class Policy(msgspec.Struct, frozen=True):
    """`settled` has the last revision of each bundle that was published or deleted: a later one waits to be published.
    `versions` has how often each was published, `definitions` the canonical forms by digest, `snapshots` what each
    consists of, `shadows` the digests of the drafts that are evaluated. `signed` are the digests that an author vouched
    for once."""

    drafts: dict[str, Draft] = {}
    settled: dict[str, int] = {}
    versions: dict[str, int] = {}
    definitions: dict[str, str] = {}
    snapshots: dict[str, tuple[Version, ...]] = {}
    active: str = ""
    shadows: dict[str, str] = {}
    revoked: tuple[str, ...] = ()
    answered: dict[str, None] = {}
    dismissed: tuple[str, ...] = ()
    signed: dict[str, None] = {}

    def bundles(self) -> tuple[Version, ...]:
        """What is active."""
        return self.snapshots.get(self.active, ())

    def version(self, bundle: str) -> Version | None:
        """The version of this bundle that is active."""
        return next((version for version in self.bundles() if version.bundle == bundle), None)

    def waiting(self) -> tuple[str, ...]:
        """The bundles with drafts that wait to be published."""
        drafts = self.drafts.items()
        return tuple(bundle for bundle, draft in drafts if draft.revision > self.settled.get(bundle, 0))


def identity(meta: Meta) -> str:
    """Which request it is: its id, of whoever asks."""
    return f"{meta.principal}/{meta.request_id}"
