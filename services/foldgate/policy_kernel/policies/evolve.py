"""What an event makes of the policy."""

from msgspec.structs import replace

from foldgate.contracts.events import (
    Event,
    KeyRevoked,
    KeyTrusted,
    Meta,
    PolicyDrafted,
    PolicyPublished,
    PolicyRefused,
    PolicyShadowed,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.policy_kernel.policies.state import (
    DISMISSED_REMEMBERED,
    UNPROVEN,
    Draft,
    Policy,
    Version,
    identity,
)


def evolve(policy: Policy | None, meta: Meta, event: Event) -> Policy:
    """The policy after this event."""
    policy = _answered(policy or Policy(), meta, event)
    match event:
        case PolicyDrafted() if event.revision == _revision(policy, event.bundle) + 1:
            draft = Draft(event.revision, event.digest, event.definition, event.author)
            signed = {**policy.signed, event.digest: None} if event.author else policy.signed
            return replace(policy, drafts={**policy.drafts, event.bundle: draft}, signed=signed)
        case PolicyPublished() if event.replaces == policy.active:
            return _published(policy, event)
        case PolicyShadowed() if _may_be_shadowed(policy, event):
            ended = _without(policy.shadows, {event.bundle})
            return replace(policy, shadows=ended | ({event.bundle: event.digest} if event.definition else {}))
        case KeyRevoked() if event.key_id not in policy.revoked:
            return replace(policy, revoked=(*policy.revoked, event.key_id))
        case KeyTrusted() | PolicyRefused():
            return policy
        case _:
            raise IllegalTransition(f"{type(event).__name__} does not fit the policy: {meta.event_id}")


def _answered(policy: Policy, meta: Meta, event: Event) -> Policy:
    if not meta.request_id:
        return policy
    unproven = isinstance(event, PolicyRefused) and event.code in UNPROVEN
    if unproven or isinstance(event, KeyTrusted):  # a certificate is submitted by anybody
        return replace(policy, dismissed=(*policy.dismissed, identity(meta))[-DISMISSED_REMEMBERED:])
    return replace(policy, answered={**policy.answered, identity(meta): None})


def _may_be_shadowed(policy: Policy, event: PolicyShadowed) -> bool:
    if event.definition:
        return event.revision == _revision(policy, event.bundle)
    return event.bundle in policy.shadows


def _revision(policy: Policy, bundle: str) -> int:
    return policy.drafts[bundle].revision if bundle in policy.drafts else 0


def _published(policy: Policy, event: PolicyPublished) -> Policy:
    before = {version.bundle: version for version in policy.bundles()}
    after = {one.bundle: Version(one.bundle, one.version, one.digest) for one in event.bundles}
    changed = {bundle for bundle in {*before, *after} if before.get(bundle) != after.get(bundle)}
    settled = {} if event.kind == "rollback" else {bundle: _revision(policy, bundle) for bundle in changed}
    counted = {bundle: max(version.version, policy.versions.get(bundle, 0)) for bundle, version in after.items()}
    return replace(
        policy,
        active=event.policy_snapshot,
        snapshots={**policy.snapshots, event.policy_snapshot: tuple(after.values())},
        definitions={**policy.definitions, **{one.digest: one.definition for one in event.bundles}},
        versions={**policy.versions, **counted},
        settled={**policy.settled, **settled},
        shadows=_without(policy.shadows, {bundle for bundle in policy.shadows if _is_active(policy, bundle, after)}),
    )


def _is_active(policy: Policy, bundle: str, after: dict[str, Version]) -> bool:
    return bundle in after and after[bundle].digest == policy.shadows[bundle]


def _without(shadows: dict[str, str], bundles: set[str]) -> dict[str, str]:
    return {bundle: digest for bundle, digest in shadows.items() if bundle not in bundles}
