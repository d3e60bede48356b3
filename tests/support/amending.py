"""The policy of a suite under test, and whoever may change it."""

from typing import Any

from foldgate.authority.authorship import sign_document
from foldgate.authority.keys import Signer
from foldgate.authority.requests import Signed, sign_request
from foldgate.contracts.events import (
    Event,
    PolicyDrafted,
    PolicyPublished,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRefused,
)
from foldgate.policy_kernel.policies.decide import policies
from foldgate.policy_kernel.policies.state import KEY, Policy
from tests.support.given import Given, meta
from tests.support.keys import TRUST, signer_with

ADMIN = signer_with("issuer", roles=("policy_admin",), name="gateway")
AUTHOR = signer_with("issuer", roles=("policy_author",), name="bo")
DECIDER = policies(TRUST, require_signed_bundles=False)
STRICT = policies(TRUST, require_signed_bundles=True)


def document(bundle: str = "team/base", decision: str = "allow", **more: str) -> str:
    rules = f"rules:\n  - {{id: all, decision: {decision}, reason: {more.get('reason', 'so it is')}}}\n"
    return f"bundle: {bundle}\n{rules}"


class Suite(Given[Policy]):
    """The policy of a suite, and what is asked of it; each request has an id of its own."""

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(STRICT if strict else DECIDER, key=KEY)
        self.asked = 0

    def ask(self, event: Event, *, by: Signer | None = ADMIN, **changes: Any) -> Event:
        """The one answer to this request, signed as it is sent."""
        [answer] = self.answers(event, by=by, **changes)
        return answer

    def answers(self, event: Event, *, by: Signer | None = ADMIN, **changes: Any) -> list[Event]:
        self.asked += 1
        about = {"request_id": f"r{self.asked}", **changes}
        if by is not None and isinstance(event, Signed):
            event = sign_request(by, meta(KEY, **about), event)
        return self.when(event, **about)

    def put(self, source: str = "", *, bundle: str = "team/base", revision: int = 0, **changes: Any) -> Event:
        asked = PolicyPutRequested(bundle=bundle, source=source or document(bundle), revision=revision, reason="new")
        return self.ask(asked, **changes)

    def publish(self, *bundles: str, **changes: Any) -> Event:
        return self.ask(PolicyPublishRequested(bundles=bundles, reason="it is time"), **changes)

    def publish_as(self, source: str, *, bundle: str = "team/base") -> PolicyPublished:
        """Put this and publish it."""
        assert self.state is None or isinstance(self.state, Policy)
        drafts = self.state.drafts if self.state else {}
        assert isinstance(self.put(source, bundle=bundle, revision=revision_in(drafts, bundle)), PolicyDrafted)
        published = self.publish(bundle)
        assert isinstance(published, PolicyPublished)
        return published

    def publish_signed(self, decision: str, revision: int) -> PolicyPublished:
        """Put a document that its author has signed, and publish it."""
        source = document(decision=decision)
        self.ask(
            PolicyPutRequested(
                bundle="team/base",
                source=source,
                revision=revision,
                bundle_signature=sign_document(AUTHOR, source),
            )
        )
        published = self.publish("team/base")
        assert isinstance(published, PolicyPublished), published
        return published

    @property
    def active(self) -> str:
        return self.state.active if self.state else ""


def revision_in(drafts: Any, bundle: str) -> int:
    """The last revision of a bundle; 0 if there is none."""
    return int(drafts[bundle].revision) if bundle in drafts else 0


def code(event: Event) -> str:
    assert isinstance(event, PolicyRefused), event
    assert event.reason.startswith("Expected "), event
    return event.code
