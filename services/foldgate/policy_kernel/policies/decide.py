"""Whether a change of policy is made.

What holds is changed by whoever a trusted issuer vouches for, in a role that may, for the whole suite, and with each
request once. Whatever is refused changes nothing: what was good stays in force.
"""

import re
from collections.abc import Iterable, Iterator
from typing import get_args

from foldgate.authority.authorship import check_document
from foldgate.authority.keys import Certificate, SignatureInvalid, Trust
from foldgate.authority.requests import check_request
from foldgate.contracts.events import (
    Event,
    KeyRevoked,
    KeyRevokeRequested,
    KeySubmitted,
    KeyTrusted,
    Meta,
    PolicyDeleteRequested,
    PolicyPutRequested,
    PolicyRefused,
    PolicyShadowRequested,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside
from foldgate.policy_kernel.policies.changes import Change, Changes, Refused
from foldgate.policy_kernel.policies.evolve import evolve
from foldgate.policy_kernel.policies.state import KEY, Policy, identity

Signed = Change | KeyRevokeRequested
Asked = Signed | KeySubmitted
ASKED: tuple[type[Event], ...] = get_args(Asked)
"""What is followed."""
Outcome = Iterator[Event | Said]

ADMINS = frozenset(("policy_admin", "admin"))
"""The roles in which somebody may change what holds."""
MAX_NAME = 255
"""Characters of a name: what fits an index and a line."""
_KEY_ID = re.compile("[0-9a-f]{32}")


def policies(trust: Trust, *, require_signed_bundles: bool) -> Decider[Policy]:
    """The decider of the one policy of a suite."""
    kernel = _Policies(trust, require_signed_bundles=require_signed_bundles)
    return Decider(state=Policy, decide=kernel.decide, evolve=evolve, fail=_fail, edition=2)


class _Policies:
    """The changes of policy, under the terms of the settings."""

    def __init__(self, trust: Trust, *, require_signed_bundles: bool) -> None:
        self._trust, self._require_signed = trust, require_signed_bundles

    def decide(self, state: Policy | None, message: Message) -> Outcome:
        """The one event that answers this message."""
        policy, asked, meta = state or Policy(), message.event, message.meta
        if not isinstance(asked, Asked) or meta is None:
            return
        _check_names(asked, meta)
        if _is_answered(policy, asked, meta):
            return
        try:
            answer = self._answer(policy, asked, meta, at=message.at)
        except SignatureInvalid as invalid:
            if identity(meta) in policy.dismissed:
                return
            answer = _refused(asked, Refused(invalid.code, str(invalid)))
        except Refused as refused:
            answer = _refused(asked, refused)
        yield Said(answer, run_id="", pool="")  # it is about no run, whatever the request says

    def _answer(self, policy: Policy, asked: Asked, meta: Meta, *, at: int) -> Event:
        if isinstance(asked, KeySubmitted):
            return self._trusted(policy, asked, meta)
        self._check_right(policy, asked, meta, at=at)
        if isinstance(asked, KeyRevokeRequested):
            return _revoked(policy, asked, meta)
        author = self._author(policy, asked, at=at) if isinstance(asked, PolicyPutRequested) else ""
        return Changes(policy, by=meta.principal, author=author, require_signed=self._require_signed).made(asked)

    def _check_right(self, policy: Policy, asked: Signed, meta: Meta, *, at: int) -> None:
        issuer = _unrevoked(policy, check_request(self._trust, meta, asked, at=at))
        if not meta.request_id:
            raise Refused("no_request_id", "Expected a request id, so that nobody can send this again, but got none.")
        if issuer.tenant:
            reason = f"Expected an issuer for the whole suite, but '{issuer.name}' speaks for '{issuer.tenant}' alone."
            raise Refused("forbidden", reason)
        if not ADMINS & set(issuer.roles):
            roles = " or ".join(sorted(ADMINS))
            raise Refused("forbidden", f"Expected an issuer in the role {roles}, but '{issuer.name}' has neither.")

    def _author(self, policy: Policy, asked: PolicyPutRequested, *, at: int) -> str:
        """Who signed the document. A wrong signature is refused also where none is required."""
        if asked.bundle_signature is None and not self._require_signed:
            return ""
        try:
            return _unrevoked(policy, check_document(self._trust, asked.bundle_signature, asked.source, at=at)).name
        except SignatureInvalid as invalid:
            raise Refused("bundle_" + invalid.code, str(invalid)) from None

    def _trusted(self, policy: Policy, asked: KeySubmitted, meta: Meta) -> KeyTrusted:
        found = _unrevoked(policy, self._trust.certificate(asked.certificate))
        return KeyTrusted(
            key_id=found.key_id,
            purpose=found.purpose,
            name=found.name,
            certificate=asked.certificate,
            by=meta.principal,
        )


def _revoked(policy: Policy, asked: KeyRevokeRequested, meta: Meta) -> KeyRevoked:
    if not _KEY_ID.fullmatch(asked.key_id):
        raise Refused("unknown_key", f"Expected the id of a key, 32 hexadecimal digits, but got '{asked.key_id[:64]}'.")
    if asked.key_id in policy.revoked:
        raise Refused("unchanged", f"Expected a key that is trusted, but {asked.key_id} was revoked before.")
    return KeyRevoked(key_id=asked.key_id, reason=asked.reason[:2000], by=meta.principal)


def _unrevoked(policy: Policy, certificate: Certificate) -> Certificate:
    if certificate.key_id in policy.revoked:
        reason = f"Expected a trusted key, but {certificate.key_id} of '{certificate.name}' was revoked."
        raise SignatureInvalid("key_revoked", reason)
    return certificate


def _is_answered(policy: Policy, asked: Asked, meta: Meta) -> bool:
    """What nobody vouches for was answered if it was dismissed; a certificate vouches for itself."""
    return identity(meta) in (policy.dismissed if isinstance(asked, KeySubmitted) else policy.answered)


def _check_names(asked: Asked, meta: Meta) -> None:
    names = {"tenant": meta.tenant, "principal": meta.principal, "request id": meta.request_id, "bundle": _about(asked)}
    for what, name in names.items():
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")
    if meta.key != KEY:
        raise SetAside("key_mismatch", f"Expected the key '{KEY}' for a change of policy.")


def _about(asked: Event) -> str:
    return asked.bundle if isinstance(asked, PolicyPutRequested | PolicyDeleteRequested | PolicyShadowRequested) else ""


def _refused(asked: Event, why: Refused) -> PolicyRefused:
    return PolicyRefused(
        request=type(asked).__name__,
        bundle=_about(asked) or why.bundle,
        code=why.code,
        reason=str(why),
        problems=why.problems,
    )


def _fail(_: Policy | None, message: Message, _reason: str) -> Iterable[Event | Said]:
    """After a fault of ours whoever asked hears of it; the reason is in quarantine."""
    if isinstance(message.event, Asked):
        reason = "Expected to judge this request, but the kernel broke on it: quarantine has the reason."
        yield Said(_refused(message.event, Refused("internal_error", reason)), run_id="", pool="")
