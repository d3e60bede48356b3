"""The handler of `http` steps: a request within limits, to places that are allowed, by way of redirects that are."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from foldgate.authority.constraints import Constraints
from foldgate.runtime.clock import Clock
from foldgate.sdk.builtin import answers
from foldgate.sdk.builtin.addresses import Address, Network, Resolve, addresses_of, resolved
from foldgate.sdk.builtin.asked import HttpAsked, asked_in, invalid, seconds
from foldgate.sdk.builtin.hops import MOST_REDIRECTS, REDIRECTS, Hop, first_hop, next_hop
from foldgate.sdk.errors import Fatal, Retryable, WorkerUnfit
from foldgate.sdk.job import Job
from foldgate.sdk.limits import Limits

_CONNECT_S = 10.0
_MOST_ADDRESSES = 4


class HttpTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker's owner allows: hosts by patterns (None: any), networks beside the public ones, further
    authorities for TLS as a file, how large an answer may be and how long one may take."""

    hosts: tuple[str, ...] | None = None
    networks: tuple[Network, ...] = ()
    authorities: str | None = None
    max_bytes: int = 10 * 1024 * 1024
    timeout_s: float = 60.0


class Requests:
    """Does `http` jobs. It keeps no connections and no cookies, and uses no proxy of the environment."""

    def __init__(self, terms: HttpTerms, *, clock: Clock, resolve: Resolve = resolved) -> None:
        self._terms, self._clock, self._resolve = terms, clock, resolve
        self._hosts = Limits(Constraints(network_allowlist=terms.hosts))
        self._tls = httpx.create_ssl_context(trust_env=False)
        if terms.authorities is not None:
            try:
                self._tls.load_verify_locations(terms.authorities)
            except OSError as error:
                message = f"Expected authorities for TLS as PEM in {terms.authorities}, but: {error}."
                raise WorkerUnfit(message) from error

    async def __call__(self, job: Job) -> Any:
        asked = asked_in(job.input, HttpAsked)
        answers.check_expected(asked.expect)
        if asked.max_bytes is not None and asked.max_bytes < 1:
            raise invalid(f"max_bytes: Expected at least 1, but got {asked.max_bytes}.")
        hop, within_s = first_hop(asked, job), seconds(asked.timeout, most=self._terms.timeout_s)
        try:
            async with asyncio.timeout(within_s):
                return await self._answered(asked, hop, job)
        except TimeoutError:
            message = f"Expected an answer of {hop.place} within {within_s:g} s, but there was none."
            raise Retryable("http_timeout", message) from None

    async def _answered(self, asked: HttpAsked, hop: Hop, job: Job) -> Any:
        left = min(max(0, asked.redirects), MOST_REDIRECTS)
        while True:
            async with self._sent(hop, await self._allowed(hop, job)) as answer:
                if answers.is_expected(answer.status_code, asked.expect):
                    return await self._output(asked, answer)
                location = answer.headers.get("location")
                if answer.status_code not in REDIRECTS or location is None or not asked.redirects:
                    told = await answers.beginning_of(answer, answer.aiter_raw())
                    raise answers.failure_of(answer, told, now_ms=self._clock.now_ms())
                hop, left = next_hop(hop, answer.status_code, location), left - 1
                if left < 0:
                    raise Fatal("too_many_redirects", f"Expected an end of redirects, but there is one to {hop.place}.")

    async def _output(self, asked: HttpAsked, answer: httpx.Response) -> Any:
        most = min(asked.max_bytes or self._terms.max_bytes, self._terms.max_bytes)
        return answers.output_of(answer, await answers.body_of(answer, answer.aiter_raw(), most=most))

    async def _allowed(self, hop: Hop, job: Job) -> list[Address]:
        """The addresses that the worker's owner and the job's constraints both allow."""
        if problem := self._hosts.network(hop.place):
            raise Fatal("host_not_allowed", f"{problem} This worker goes to no other: see --http-host.")
        by_name = not Limits(job.constraints).network(hop.place)
        if not by_name and not _names_networks(job.constraints.network_allowlist or ()):
            job.network(hop.place)  # raises, and reports; nobody is asked for the address first
        found = await addresses_of(hop.host, hop.port, networks=self._terms.networks, resolve=self._resolve)
        if by_name:
            return found
        allowed = [one for one in found if not Limits(job.constraints).network(_numbered(one, hop.port))]
        if not allowed:
            job.network(hop.place)
        return allowed

    @asynccontextmanager
    async def _sent(self, hop: Hop, addresses: list[Address]) -> AsyncIterator[httpx.Response]:
        """The head of the answer, from the first address that can be connected to."""
        timeout = httpx.Timeout(None, connect=_CONNECT_S)
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=timeout) as client:
            answer = await self._first(client, hop, addresses[:_MOST_ADDRESSES])
            try:
                yield answer
            except httpx.HTTPError as error:
                message = f"Expected a whole answer of {hop.place}, but: {_told(error)}."
                raise Retryable("invalid_response", message) from error
            finally:
                await answer.aclose()

    async def _first(self, client: httpx.AsyncClient, hop: Hop, addresses: list[Address]) -> httpx.Response:
        failed: Exception | None = None
        for address in addresses:
            try:
                return await client.send(_request(hop, address), stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
            except httpx.HTTPError as error:
                message = f"Expected an answer of {hop.place}, but: {_told(error)}."
                raise Retryable("http_unreachable", message) from error
        assert failed is not None
        if untrusted := _untrusted(failed):
            raise Fatal("tls_not_trusted", f"Expected a certificate of {hop.host} that is trusted, but: {untrusted}.")
        raise Retryable("http_unreachable", f"Expected {hop.place} to be reached, but: {_told(failed)}.") from failed


def _request(hop: Hop, address: Address) -> httpx.Request:
    """To that very address: the name is in `Host`, and in what TLS verifies."""
    headers = [(b"host", hop.url.netloc), (b"accept-encoding", b"gzip"), (b"connection", b"close")]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in hop.headers.items()]
    return httpx.Request(
        hop.method,
        hop.url.copy_with(host=str(address)),
        headers=headers,
        content=hop.body or None,
        extensions={"sni_hostname": hop.host} if hop.url.scheme == "https" else {},
    )


def _names_networks(allowed: Iterable[str]) -> bool:
    return any("/" in pattern for pattern in allowed)


def _numbered(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _untrusted(error: BaseException | None) -> str:
    """What was wrong with a certificate, should that be why."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""
