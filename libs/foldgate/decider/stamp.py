"""What an event says of itself: its Meta is derived from its aggregate, its cause, and what `decide` said of it."""

import hashlib
from typing import Generic, NamedTuple

import msgspec

from foldgate.authority.secrets import masked, redacted
from foldgate.contracts.events import Event, MessageQuarantined, Meta
from foldgate.contracts.ids import open_event_id, owned_event_id
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Message, S, Said, SetAside
from foldgate.decider.invariant import broken

NO_CHAIN = bytes(32)
_ORIGINAL_LIMIT = 1_000_000


class Held(msgspec.Struct, Generic[S], frozen=True, array_like=True, kw_only=True):
    """An aggregate: its state, and what the Meta of its next event continues."""

    state: S
    sequence: int
    clock: int
    at: int
    chain: bytes
    run_id: str
    pool: str
    tenant: str
    correlation: str


class Incoming(NamedTuple):
    """A message as it was read: from where, the position after it, its bytes. `submitted`: it came from an open stream,
    so it may be anybody's, and may come again."""

    source: Partition
    position: Position
    meta: Meta
    event: Event
    value: bytes
    submitted: bool = True


class Quarantined(NamedTuple):
    """A record for the quarantine stream."""

    meta: Meta
    event: MessageQuarantined


def stamped(
    said: Said, message: Message, held: Held[S] | None, *, stream: str, service: str, submitted: bytes | None
) -> Meta:
    """The Meta of the next event of an aggregate. A foreign clock is data; only owned streams move ours."""
    cause, about = message.meta, _about(held, message.meta)
    sequence = held.sequence + 1 if held else 1
    seen = cause.clock if cause is not None and submitted is None else 0
    return Meta(
        chain=NO_CHAIN,
        event_id=owned_event_id(stream, message.key, sequence),
        stream=stream,
        key=message.key,
        run_id=about.run_id if said.run_id is None else said.run_id,
        pool=about.pool if said.pool is None else said.pool,
        sequence=sequence,
        clock=max(held.clock if held else 0, seen) + 1,
        at=message.at,
        causation=cause.event_id if cause else "",
        correlation=about.correlation if said.correlation is None else said.correlation,
        request_id=cause.request_id if cause else "",
        tenant=about.tenant if said.tenant is None else said.tenant,
        principal=said.principal or (cause.principal if cause else service),
        answers=hashlib.sha256(submitted).digest() if submitted is not None else b"",
    )


def advanced(held: Held[S] | None, state: S, meta: Meta, *, chain: bytes | None = None) -> Held[S]:
    """The aggregate after one more event. What it is about was settled by its first."""
    chain = meta.chain if chain is None else chain
    if held is None:
        return Held(
            state=state,
            sequence=meta.sequence,
            clock=meta.clock,
            at=meta.at,
            chain=chain,
            run_id=meta.run_id,
            pool=meta.pool,
            tenant=meta.tenant,
            correlation=meta.correlation,
        )
    if meta.clock <= held.clock or meta.at < held.at:
        raise broken("INV-05", f"{meta.event_id} at {meta.at}, clock {meta.clock}, after {held.at}, clock {held.clock}")
    return msgspec.structs.replace(held, state=state, sequence=meta.sequence, clock=meta.clock, at=meta.at, chain=chain)


def quarantined(
    source: Partition,
    position: Position,
    why: SetAside,
    *,
    by: Partition,
    service: str,
    key: bytes,
    original: bytes,
    at: int,
) -> Quarantined:
    """The quarantine record of the message that ends at `position`; the same again for the same place. It outlives the
    message by far, so the secrets of it are not kept."""
    offset = position.offset - 1
    meta = Meta(
        chain=NO_CHAIN,
        event_id=open_event_id(str(by), f"{source}/{offset}"),
        stream="quarantine",
        key=str(source),
        at=at,
        principal=service,
    )
    event = MessageQuarantined(
        source_stream=source.stream,
        source_partition=source.number,
        source_offset=offset,
        source_key=masked(key)[:1024],
        code=why.code,
        reason=redacted(str(why), "low")[:2000],
        original=masked(original)[:_ORIGINAL_LIMIT],
        original_size=len(original),
        original_sha256=hashlib.sha256(original).digest(),
    )
    return Quarantined(meta, event)


class _About(NamedTuple):
    run_id: str
    pool: str
    tenant: str
    correlation: str


def _about(held: Held[S] | None, cause: Meta | None) -> _About:
    """What an aggregate is about: settled by its first event, which takes it from its cause."""
    if held is not None:
        return _About(held.run_id, held.pool, held.tenant, held.correlation)
    if cause is not None:
        return _About(cause.run_id, cause.pool, cause.tenant, cause.correlation or cause.request_id)
    return _About("", "", "", "")
