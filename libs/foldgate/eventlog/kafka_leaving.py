"""A static member leaves its group at once, by the name of its instance.

The library never lets a static member leave, so that one that restarts finds its partitions again. Ours leave when they
are stopped in good order: otherwise their partitions would be nobody's until the session time-out. The request is the
broker API's LeaveGroup version 3, which the library does not have. Should it fail, the time-out does its work.
"""

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

_ANY_MEMBER = ""


class _Left(Response):  # type: ignore[misc] # published without types
    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("members", Array(("member_id", String()), ("group_instance_id", String()), ("error_code", Int16))),
    )


class _Leave(RequestStruct):  # type: ignore[misc] # published without types
    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = _Left
    SCHEMA = Schema(
        ("group", String()),
        ("members", Array(("member_id", String()), ("group_instance_id", String()))),
    )


class _LeaveRequest(Request[_Leave]):  # type: ignore[misc] # published without types
    API_KEY = 13

    def __init__(self, group: str, instance: str) -> None:
        self._group, self._instance = group, instance

    def build(self, request_struct_class: type[_Leave]) -> _Leave:
        return request_struct_class(self._group, [(_ANY_MEMBER, self._instance)])


async def leave(client: AIOKafkaClient, *, group: str, instance: str) -> None:
    """Take this instance out of the group."""
    coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
    await client.send(coordinator, _LeaveRequest(group, instance), group=ConnectionGroup.COORDINATION)
