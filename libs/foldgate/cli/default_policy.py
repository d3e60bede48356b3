"""The bundle of rules that a suite for development begins with: `deploy/policies/default.yaml`."""

from pathlib import Path

_INSTALLED = Path(__file__).parent / "policies" / "default.yaml"
_CHECKED_OUT = Path(__file__).parents[3] / "deploy" / "policies" / "default.yaml"


def default_policy() -> str:
    """Its source."""
    return (_INSTALLED if _INSTALLED.exists() else _CHECKED_OUT).read_text()
