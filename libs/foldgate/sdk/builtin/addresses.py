"""Which addresses a request may go to. A name is resolved once, each of its addresses is looked at, and one of those is
connected to by number: whoever answers for the name cannot say another one in between.

What is not public is refused, unless it lies in a network that the worker was given: private, loopback and link-local
addresses, those of the metadata services of clouds, multicast, and what tunnels to any of these.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

from foldgate.sdk.errors import Fatal, Retryable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, the best first. Raises OSError if there are none."""

_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
"""Of clouds whose metadata service has a public address; the others' are link-local or private."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TUNNELS = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/32")))
_UNICAST = ipaddress.ip_network("2000::/3")
"""Of version 6, all that is public."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """As the machine resolves names."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def addresses_of(host: str, port: int, *, networks: Iterable[Network], resolve: Resolve) -> list[Address]:
    """The addresses of a host, all of which may be spoken to. Raises a JobError."""
    try:
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in await resolve(host, port)]
    except (OSError, UnicodeError) as error:
        raise Retryable("host_unknown", f"Expected {host[:200]} to have an address, but: {error}.") from error
    if not found:
        raise Retryable("host_unknown", f"Expected {host[:200]} to have an address, but it has none.")
    networks = tuple(networks)
    for address in found:
        if not _is_open(address, networks):
            raise Fatal(
                "address_not_allowed",
                f"Expected a public address, but {host[:200]} is {address}. A worker that is to speak to it is told so:"
                " --http-network.",
            )
    return found


def _is_open(address: Address, networks: Sequence[Network]) -> bool:
    address = _within(address)
    if any(address in network for network in networks):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    is_tunnel = any(address in network for network in _TUNNELS)
    return address.is_global and not address.is_multicast and not is_tunnel and address not in _METADATA


def _within(address: Address) -> Address:
    """The address of version 4 that one of version 6 stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
