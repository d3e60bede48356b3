"""The policy of a suite, folded: what would hold with a draft, and what is known of a bundle."""

from foldgate.authority.policy_history import PolicyHistory, as_version
from foldgate.authority.snapshot import name_of
from foldgate.contracts.events import PolicyDrafted, PolicyPublished, PolicyRefused
from tests.support.given import meta
from tests.support.policies import bundle, version


def test_a_draft_stands_in_the_place_of_what_is_active_of_its_bundle() -> None:
    history = PolicyHistory()
    assert history.with_((), default_decision="allow").default_decision == "allow"
    assert (history.version("a"), history.before(), history.revision("a")) == (None, None, 0)
    a, b = version(bundle("a", default="allow")), version(bundle("b"))
    named = name_of((one.bundle, one.digest) for one in (a, b))
    history.add(meta("policies"), PolicyPublished(policy_snapshot=named, bundles=(a, b), kind="publish"), 1)
    draft = PolicyDrafted(bundle="a", revision=2, digest="d", definition=version(bundle("a")).definition)
    history.add(meta("policies"), draft, 2)
    refused = PolicyRefused(request="PolicyPutRequested", bundle="b", code="unsigned", reason="no")
    history.add(meta("policies"), refused, 3)
    tried = history.with_([as_version(draft)], default_decision="allow")
    assert [(one.id, one.default.decision) for one in tried.bundles] == [("a", "deny"), ("b", "deny")]
    assert tried.default_decision == "deny", "where there are bundles they have a default decision each"
    assert (history.version("a"), history.revision("a"), history.named(named[:17])) == (a, 2, history.activated[0])
