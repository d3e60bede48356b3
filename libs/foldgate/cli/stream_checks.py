"""Checks of a suite's log: are its streams as designed, are they owned, can what lies in them be read?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from foldgate.cli import lag_checks
from foldgate.cli.diagnosis import Finding, bad, fine, odd
from foldgate.cli.listing import streams_of
from foldgate.cli.owners import owner_of
from foldgate.cli.reaching import Reached, look
from foldgate.cli.server_checks import SKEW_MS
from foldgate.contracts.codec import Undecodable, editions
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import STREAMS
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.connecting import codec_for, open_log
from foldgate.runtime.settings import Settings

_LOOKED_AT = 50
"""Records at the end of each partition that are tried: old ones were read by those who wrote them."""


async def check_log(settings: Settings) -> Iterable[Finding]:
    """The log of the suite, with what lies in it."""
    seen = await look(settings)
    topology = list(_topology(settings.suite, seen.streams))
    if any(finding.state == "bad" for finding in topology):
        return topology
    log = await open_log(settings)
    try:
        suite = Reached(log, codec_for(settings), settings, seen)
        found = [*topology, await _owners(suite), *await _newest(suite), await _quarantine(suite)]
        found.append(await lag_checks.check_services(suite))
        return found if settings.postgres is None else [*found, await lag_checks.check_read_models(suite)]
    finally:
        await log.close()


def _topology(suite: str, found: Mapping[str, int]) -> Iterator[Finding]:
    wanted = {stream.name: stream.partitions for stream in STREAMS if not stream.name.endswith(".*")}
    missing = sorted(wanted.keys() - found.keys())
    wrong = [f"'{n}' has {found[n]} of {count}" for n, count in wanted.items() if n in found and found[n] != count]
    if missing:
        advice = "Start the suite once (`foldgate up`): it makes what is missing."
        yield bad("streams", f"suite '{suite}' is without {', '.join(missing)}", advice)
    if wrong:
        advice = "Counts are fixed for a suite's life: use another suite name, or copy the streams."
        yield bad("streams", f"partition counts that are not the design's: {'; '.join(wrong)}", advice)
    if not missing and not wrong:
        yield fine("streams", f"all {len(wanted)} there, with the partitions of the design")


async def _owners(suite: Reached) -> Finding:
    owned, nobodys, passed_over = [], [], 0
    for stream in streams_of(suite):
        owners = [
            await owner_of(suite.log, Partition(stream.name, n)) for n in _numbers(stream.kind, stream.partitions)
        ]
        passed_over += sum(owner.passed_over for owner in owners)
        owned += [owner.epoch for owner in owners if owner.epoch]
        if any(owner.epoch for owner in owners) and not all(owner.epoch for owner in owners):
            nobodys.append(stream.name)
    if nobodys:
        advice = "Somebody owned others of its partitions: is a service of the suite missing?"
        return odd("owners", f"partitions without an owner: {', '.join(nobodys)}", advice)
    if not owned:
        return odd("owners", "nobody has owned anything yet", "Start the services.")
    aside = f", {passed_over} records of replaced owners passed over" if passed_over else ""
    return fine("owners", f"{len(owned)} partitions owned, epochs {min(owned)} to {max(owned)}{aside}")


def _numbers(kind: str, partitions: int) -> range:
    return range(partitions if kind == "owned" else 0)


async def _newest(suite: Reached) -> Sequence[Finding]:
    """Whether the newest records of owned streams are of editions that this version knows, and of a time that was."""
    tried, last = 0, (0, "")
    for stream in streams_of(suite):
        for place in (Partition(stream.name, n) for n in _numbers(stream.kind, stream.partitions)):
            end = await suite.log.end(place)
            async for chunk in suite.log.read(place, max(0, end - _LOOKED_AT), end):
                for record in chunk:
                    try:
                        last = max(last, (suite.codec.decode(record.value).meta.at, stream.owner or ""))
                    except Undecodable as error:
                        return [bad("schemas", f"{place} at offset {record.offset}: {error}", _NEWER)]
                    tried += 1
    known = sum(len(found) for found in editions().values())
    told = f"{known} editions of {len(editions())} events known; the last {tried} records are of these"
    return [fine("schemas", told), _clocks(*last)]


def _clocks(at: int, service: str) -> Finding:
    """Whatever is on the log was written before now, by clocks that agree."""
    ahead = at - SystemClock().now_ms()
    if ahead > SKEW_MS:
        advice = "Leases and expiries go by each machine's clock: let all of them be set by NTP."
        return odd(
            "clocks", f"the {service} wrote an event that is {ahead / 1000:.1f} s ahead of the clock here", advice
        )
    return fine("clocks", "no service has written an event that is ahead of the clock here")


_NEWER = "A newer Foldgate may have written it: use that version, or see `foldgate streams tail` for its bytes."


async def _quarantine(suite: Reached) -> Finding:
    count = await suite.log.end(Partition("quarantine", 0))
    if count:
        advice = "`foldgate streams tail quarantine` shows why, where they lay, and their bytes."
        return odd("quarantine", f"{count} records were set aside", advice)
    return fine("quarantine", "empty")
