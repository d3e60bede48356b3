"""What was decided for one run: its jobs until the run has ended."""

import msgspec


class Case(msgspec.Struct, frozen=True):
    """The jobs that were decided on. `closed` once the run has ended."""

    decided: frozenset[str] = frozenset()
    closed: bool = False


def ended(case: Case) -> bool:
    """Whether nothing more will be decided."""
    return case.closed
