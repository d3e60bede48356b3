"""A fetch session: what a broker remembers of one follower, so that neither tells the other the same twice.

The first fetch names every partition that is followed, the next ones only those whose offset has moved or that came or
went; and an answer names only those of which there is news. With some thirty partitions and news of one, that is most
of the work of a fetch, on both sides.

Nothing is lost with a session. A fetch that fails leaves unknown what the broker remembers, so the next one begins a
session anew and names everything; a broker that has forgotten the session says so, which is the same; one that has no
room for another gives it no number, and is then told everything each time. The offsets are the caller's throughout: he
is given what follows those he named, and what he does not take he is given again.
"""

from collections.abc import Mapping
from typing import TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest_v11
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_fetch import CHUNK_BYTES, CONSUMER, READ_UNCOMMITTED, Fetched, fetched

_NONE, _LAST_EPOCH = 0, 2**31 - 1
_UNKNOWN, _ANY_RACK = -1, ""
_FORGOTTEN = (70, 71)
"""The broker does not know the session, or knows it in another state."""

T = TypeVar("T")


class _Fetch(Request[FetchRequest_v11]):  # type: ignore[misc]  # published without types
    """The library's request; its own way to make one knows no sessions."""

    API_KEY = FetchRequest_v11.API_KEY

    def __init__(self, *fields: object) -> None:
        self._fields = fields

    def build(self, request_struct_class: type[FetchRequest_v11]) -> FetchRequest_v11:
        return request_struct_class(*self._fields)


class FetchSession:
    """One follower's fetches from one broker, one at a time."""

    def __init__(self) -> None:
        self._id, self._epoch = _NONE, 0
        self._known: dict[TopicPartition, int] = {}

    async def fetch(
        self, client: AIOKafkaClient, node: int, offsets: Mapping[TopicPartition, int], *, wait_ms: int
    ) -> list[Fetched]:
        """What follows these offsets, where there is news; at once if there is any, else after `wait_ms`."""
        epoch, request = self._epoch, self._request(offsets, wait_ms)
        self._id, self._epoch, self._known = _NONE, 0, {}  # until there is an answer
        response = await client.send(node, request)
        if response.error_code in _FORGOTTEN:
            return []
        if response.error_code:
            raise for_code(response.error_code)
        if response.session_id != _NONE:
            self._id, self._epoch, self._known = response.session_id, epoch % _LAST_EPOCH + 1, dict(offsets)
        return [fetched(topic, answer) for topic, answers in response.topics for answer in answers]

    def _request(self, offsets: Mapping[TopicPartition, int], wait_ms: int) -> _Fetch:
        moved = {
            place: (place.partition, _UNKNOWN, offset, _UNKNOWN, CHUNK_BYTES)
            for place, offset in offsets.items()
            if self._known.get(place) != offset
        }
        gone = {place: place.partition for place in self._known if place not in offsets}
        terms = (CONSUMER, wait_ms, 1, CHUNK_BYTES, READ_UNCOMMITTED)
        return _Fetch(*terms, self._id, self._epoch, _by_topic(moved), _by_topic(gone), _ANY_RACK)


def _by_topic(of: Mapping[TopicPartition, T]) -> list[tuple[str, list[T]]]:
    """As requests have it."""
    topics: dict[str, list[T]] = {}
    for place, what in of.items():
        topics.setdefault(place.topic, []).append(what)
    return list(topics.items())
