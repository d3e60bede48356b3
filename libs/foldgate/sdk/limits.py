"""The limits of one job: what its constraints allow it to use, asked before it is used.

Names and hosts are patterns, in which `*` stands for any text. A command is allowed by its program alone, or by a
pattern for the whole of it, its parts joined by spaces. A network may be a range of addresses, such as 10.0.0.0/8; a
pattern with a port is for that port alone.
"""

import ipaddress
from collections.abc import Iterable, Sequence

from foldgate.authority.constraints import Constraints
from foldgate.authority.globs import glob


class Limits:
    """What is allowed, and how much was spent. Each question is answered with what is wrong, or with nothing."""

    def __init__(self, constraints: Constraints) -> None:
        self._constraints, self._spent = constraints, 0.0

    def tool(self, name: str) -> str:
        """Whether it may use this tool."""
        allowed = self._constraints.allowed_tools
        return "" if allowed is None or _any(allowed, name) else _not_among("a tool", allowed, name)

    def command(self, argv: Sequence[str]) -> str:
        """Whether it may run this."""
        allowed, line = self._constraints.allowed_commands, " ".join(argv)
        if allowed is None or _any(allowed, line) or _any(allowed, argv[0] if argv else ""):
            return ""
        return _not_among("a command", allowed, line)

    def network(self, host: str) -> str:
        """Whether it may speak to this host, which may have a port."""
        allowed, (name, port) = self._constraints.network_allowlist, _split(host)
        if allowed is None or any(_reaches(pattern, name, port) for pattern in allowed):
            return ""
        return _not_among("a host", allowed, host)

    def spend(self, usd: float) -> str:
        """Whether it may spend this, too; then it counts as spent."""
        most, wanted = self._constraints.max_cost_usd, self._spent + usd
        if not usd >= 0:
            raise ValueError(f"Expected an amount that is not negative, but got {usd}.")
        if most is not None and wanted > most:
            return f"Expected to spend at most {most:g} USD, but with {usd:g} more it would be {wanted:g}."
        self._spent = wanted
        return ""


def _any(patterns: Iterable[str], text: str) -> bool:
    return any(glob(pattern)(text) for pattern in patterns)


def _not_among(what: str, allowed: Sequence[str], found: str) -> str:
    listed = ", ".join(allowed[:10]) or "nothing"
    return f"Expected {what} that is allowed ({listed[:300]}), but it wanted {found[:200]!r}."


def _reaches(pattern: str, name: str, port: str) -> bool:
    wanted, wanted_port = _split(pattern)
    if wanted_port and wanted_port != port:
        return False
    return _in_range(wanted, name) if "/" in wanted else glob(wanted)(name)


def _in_range(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _split(host: str) -> tuple[str, str]:
    """Name and port of `name`, `name:port`, `address` or `[address]:port`."""
    text = host.strip().lower()
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        return name, rest.removeprefix(":")
    name, colon, port = text.rpartition(":")
    if colon and ":" not in name:
        return name.rstrip("."), port
    return text.rstrip("."), ""
