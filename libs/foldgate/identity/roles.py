"""Roles: what somebody may do at the door.

Each operation needs one of them. A role may have others in it, so that a key seldom has more than one:

    admin ─┬─ policy_admin ── viewer
           ├─ approver ────── viewer
           └─ operator ─┬──── viewer
                        └──── worker

Keys and tokens may have other roles too, such as `sre`: no operation asks for them, but those who ask people do, and a
vote carries all the roles of whoever casts it.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Role = Literal["viewer", "worker", "operator", "approver", "policy_admin", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
_WITHIN: Mapping[str, frozenset[str]] = {
    "operator": frozenset({"viewer", "worker"}),
    "approver": frozenset({"viewer"}),
    "policy_admin": frozenset({"viewer"}),
    "admin": frozenset(ROLES),
}
MEANING: Mapping[Role, str] = {
    "viewer": "sees what there is of its tenants",
    "worker": "does jobs: registers, beats, fetches, reports",
    "operator": "publishes workflows, starts and controls runs; and what viewers and workers do",
    "approver": "answers what is asked of people; and what viewers do",
    "policy_admin": "changes policy; and what viewers do",
    "admin": "everything",
}


def may(roles: Iterable[str], needed: Role) -> bool:
    """Whether somebody with these roles may do what needs that one."""
    return any(role == needed or needed in _WITHIN.get(role, ()) for role in roles)
