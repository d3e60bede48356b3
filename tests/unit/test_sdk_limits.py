"""What the constraints of a job allow it to use: patterns for names, hosts with ports, ranges of addresses, sums."""

import pytest

from foldgate.authority.constraints import Constraints
from foldgate.sdk.limits import Limits


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "API.Example.com.", True),
        ("api.example.com", "api.example.com:443", True),
        ("api.example.com", "evil-api.example.com", False),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("api.example.com:443", "api.example.com:443", True),
        ("api.example.com:443", "api.example.com:80", False),
        ("api.example.com:443", "api.example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3:80", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "ten.example.com", False),
        ("10.0.0.0/99", "10.1.2.3", False),
        ("fd00::/8", "[fd00::1]:443", True),
        ("fd00::/8", "fd00::1", True),
        ("[fd00::1]:443", "[fd00::1]:443", True),
        ("[fd00::1]:443", "[fd00::1]:80", False),
        ("*", "anything:1", True),
    ],
)
def test_hosts(pattern: str, host: str, allowed: bool) -> None:
    problem = Limits(Constraints(network_allowlist=(pattern,))).network(host)
    assert (problem == "") == allowed
    assert allowed or host in problem


@pytest.mark.parametrize(
    ("pattern", "argv", "allowed"),
    [
        ("git", ["git", "push", "--force"], True),
        ("git", ["gitx"], False),
        ("git status", ["git", "status"], True),
        ("git status", ["git", "status", "-s"], False),
        ("kubectl get *", ["kubectl", "get", "pods"], True),
        ("kubectl get *", ["kubectl", "delete", "pods"], False),
        ("git", [], False),
    ],
)
def test_commands(pattern: str, argv: list[str], allowed: bool) -> None:
    assert (Limits(Constraints(allowed_commands=(pattern,))).command(argv) == "") == allowed


def test_what_is_spent_adds_up_and_what_was_refused_does_not() -> None:
    limits = Limits(Constraints(max_cost_usd=1.0))
    assert limits.spend(0.75) == ""
    assert limits.spend(0.5) == "Expected to spend at most 1 USD, but with 0.5 more it would be 1.25."
    assert limits.spend(0.25) == ""
    assert limits.spend(0.25) != ""
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="not negative"):
            limits.spend(wrong)


def test_without_constraints_everything_is_allowed() -> None:
    limits = Limits(Constraints())
    assert [limits.tool("t"), limits.command(["c"]), limits.network("h"), limits.spend(1e9)] == [""] * 4
