"""Checks of PostgreSQL and Kafka: do they answer, which are they, and do they keep what they are given?"""

from collections.abc import Iterable, Mapping
from itertools import takewhile

from foldgate.cli.diagnosis import Finding, bad, fine, odd
from foldgate.eventlog.looking import look_at_postgres, postgres_clock_ms, postgres_keeps_nothing
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.settings import Settings

OLDEST_POSTGRES = 15
SKEW_MS = 1_000


async def check_postgres(settings: Settings) -> Iterable[Finding]:
    """Of the log, or of the read models."""
    assert settings.postgres is not None
    seen = await look_at_postgres(settings.postgres, suite=settings.suite)
    found = f"{seen.version} at {seen.where}"
    if int("".join(takewhile(str.isdecimal, seen.version))) < OLDEST_POSTGRES:
        version = odd("postgres", found, f"Foldgate is tested with {OLDEST_POSTGRES} and newer: consider an upgrade.")
    else:
        version = fine("postgres", found)
    return [version, await _room(settings.postgres), _durability(seen.settings), await _clock(settings.postgres)]


async def _room(url: str) -> Finding:
    if why := await postgres_keeps_nothing(url):
        advice = "Make room on its disk, or lift what keeps it from writing: whatever waits goes on by itself."
        return bad("room", f"PostgreSQL takes nothing: {why}", advice)
    return fine("room", "PostgreSQL takes what it is given")


def _durability(settings: Mapping[str, str]) -> Finding:
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if settings[name] == "off"]
    if off:
        advice = "A crash of the machine loses what was acknowledged: turn these on."
        return bad("durability", f"PostgreSQL has {', '.join(off)} off", advice)
    return fine("durability", "PostgreSQL has fsync, full_page_writes and synchronous_commit on")


async def _clock(url: str) -> Finding:
    clock = SystemClock()
    before = clock.now_ms()
    theirs = await postgres_clock_ms(url)
    skew = theirs - (before + clock.now_ms()) // 2
    if abs(skew) > SKEW_MS:
        advice = "Leases and expiries go by each machine's clock: let all of them be set by NTP."
        return odd("clock", f"differs from the database's by {skew / 1000:.1f} s", advice)
    return fine("clock", f"agrees with the database's to {abs(skew)} ms")


async def check_kafka(settings: Settings) -> Iterable[Finding]:
    """Of the log."""
    from foldgate.eventlog.kafka_looking import look_at_kafka
    from foldgate.runtime.brokers import address_of

    seen = await look_at_kafka(address_of(settings), suite=settings.suite)
    found = f"{seen.version} at {seen.where}, cluster {seen.identity}"
    version = odd("kafka", found, "Foldgate needs Kafka 4.") if seen.version == "3.x" else fine("kafka", found)
    return [version, *_kafka_settings(seen.settings, session_ms=settings.session_timeout_ms)]


def _kafka_settings(settings: Mapping[str, str], *, session_ms: int) -> Iterable[Finding]:
    if settings.get("unclean.leader.election.enable") == "true":
        advice = "A replica that lags may become the leader, and acknowledged events are lost: set it to false."
        yield bad("durability", "Kafka has unclean.leader.election.enable on", advice)
    elif int(settings["brokers"]) < 3:
        advice = "Its disk is the only one that holds the log: fine for development; production wants three brokers."
        yield odd("durability", f"{settings['brokers']} broker(s)", advice)
    elif int(settings.get("min.insync.replicas", "2")) < 2:
        advice = "An acknowledged event may be on one disk only: set min.insync.replicas=2."
        yield bad("durability", "Kafka has min.insync.replicas=1", advice)
    else:
        yield fine("durability", f"{settings['brokers']} brokers, min.insync.replicas 2 or more")
    shortest = int(settings.get("group.min.session.timeout.ms", "0"))
    if shortest > session_ms:
        advice = f"Our members use {session_ms} ms: lower group.min.session.timeout.ms, or raise theirs."
        yield bad("membership", f"Kafka allows no session timeout below {shortest} ms", advice)
