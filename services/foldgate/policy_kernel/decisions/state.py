"""What was decided for one run: its jobs until the run has ended.

(none)  --WritIssued--> authorised --WritRevoked--> revoked
(none)  --JobDenied---> denied
(none)  --WritRevoked-> revoked     (called back before anything was decided)

Nothing leads on from denied and revoked, so there is no writ of a job after either.
"""

import msgspec


class Case(msgspec.Struct, frozen=True):
    """The jobs that were decided on, each with the pool of its writ while there is a writ. `closed` once the run has
    ended."""

    decided: dict[str, str] = {}
    closed: bool = False


def ended(case: Case) -> bool:
    """Whether nothing more will be decided."""
    return case.closed
