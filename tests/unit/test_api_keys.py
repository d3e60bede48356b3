"""API keys and roles: what a key looks like, whether what is shown is it, and what a role may do."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.identity.api_keys import ApiKey, made, shown
from foldgate.identity.roles import MEANING, ROLES, Role, may

AT = 1_800_000_000_000


def a_key(**changes: Any) -> ApiKey:
    return made("ci", roles=("operator",), tenants=("acme",), at=AT).key._replace(**changes)


def test_a_key_is_known_by_what_is_shown_of_it() -> None:
    key, text = made("ci", roles=("operator",), tenants=("acme",), at=AT)
    found = shown(text)
    assert found is not None
    assert (found.id, found.is_of(key)) == (key.id, True)
    assert key.digest == hashlib.sha256(text.rpartition(key.id + "_")[2].encode()).digest()
    assert text.rpartition(key.id + "_")[2] not in repr(key), "what is kept does not hold the secret"


def test_no_two_keys_are_alike_and_one_is_not_another() -> None:
    keys = [made("ci", roles=(), tenants=(), at=AT) for _ in range(100)]
    assert len({key.text for key in keys}) == len({key.key.id for key in keys}) == 100
    found = shown(keys[0].text)
    assert found is not None
    assert not any(found.is_of(other.key) for other in keys[1:])


@pytest.mark.parametrize("part", [0, 5, 20])
def test_a_key_that_was_changed_is_another(part: int) -> None:
    key, text = made("ci", roles=(), tenants=(), at=AT)
    start = len("fg_") + 12 + 1 + part
    other = shown(text[:start] + ("A" if text[start] != "A" else "B") + text[start + 1 :])
    assert other is not None
    assert not other.is_of(key)


@given(st.text(max_size=80) | st.text("fg_ab2-A", min_size=59, max_size=59))
def test_what_is_no_key_is_none(text: str) -> None:
    found = shown(text)
    assert found is None or text == f"fg_{found.id}_{found.secret}"


STATUS: dict[str, tuple[dict[str, Any], str]] = {
    "for ever": ({}, "live"),
    "until later": ({"expires_at": AT + 1}, "live"),
    "until now": ({"expires_at": AT}, "expired"),
    "revoked": ({"revoked_at": AT}, "revoked"),
    "replaced": ({"replaced_by": "x", "expires_at": AT + 1}, "ending"),
    "replaced long ago": ({"replaced_by": "x", "expires_at": AT - 1}, "expired"),
}


@pytest.mark.parametrize("name", STATUS)
def test_how_long_a_key_lasts(name: str) -> None:
    changes, status = STATUS[name]
    key = a_key(**changes)
    assert key.status(AT) == status
    assert key.lasts(AT) == (status in {"live", "ending"})


MAY: dict[str, set[Role]] = {
    "viewer": {"viewer"},
    "worker": {"worker"},
    "operator": {"viewer", "worker", "operator"},
    "approver": {"viewer", "approver"},
    "policy_admin": {"viewer", "policy_admin"},
    "admin": set(ROLES),
    "sre": set(),
    "Admin": set(),
}


@pytest.mark.parametrize("role", MAY)
def test_what_a_role_may_do(role: str) -> None:
    assert {needed for needed in ROLES if may([role], needed)} == MAY[role]


def test_roles_add_up_and_nobody_may_anything() -> None:
    assert may(["approver", "policy_admin", "sre"], "policy_admin")
    assert not may(["approver", "policy_admin", "sre"], "operator")
    assert not any(may([], needed) for needed in ROLES)
    assert set(MEANING) == set(ROLES)
