"""The guard before every operation: what a caller may do, and how often, checked here and nowhere else."""

from starlette.requests import HTTPConnection, Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from foldgate.gateway.http.callers import caller_of, check_role
from foldgate.gateway.http.operations import Operation
from foldgate.gateway.http.pace import Pace
from foldgate.identity.roles import Role
from foldgate.runtime.clock import Clock

AT_ONCE_SECONDS = 2
IMMUTABLE = "private, max-age=31536000, immutable"


class Guard:
    """Lets callers through to operations."""

    def __init__(self, clock: Clock, *, per_second: int) -> None:
        self._pace = Pace(
            clock, per_second=per_second, at_once=AT_ONCE_SECONDS * per_second, what="requests of one key"
        )
        self._is_counting = per_second > 0

    def route(self, operation: Operation) -> Route:
        """The operation, guarded, where it is served."""
        return Route(operation.path, _Guarded(self, operation), methods=[operation.method])

    def check(self, connection: HTTPConnection, role: Role, *, counts_itself: bool = False) -> None:
        """A problem unless its caller may do what needs this role, and asks no more often than he may."""
        if not counts_itself:
            self.count(connection)
        check_role(caller_of(connection), role)

    def count(self, connection: HTTPConnection) -> None:
        """One request more of its caller; a problem if that is one too many."""
        if self._is_counting:
            self._pace.count(caller_of(connection).counted_as)


class _Guarded:
    """One operation behind the guard. No function, which a router would wrap in what answers failures: that is done."""

    def __init__(self, guard: Guard, operation: Operation) -> None:
        self._guard, self._operation = guard, operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, operation = Request(scope, receive, send), self._operation
        self._guard.check(request, operation.role, counts_itself=operation.counts_itself)
        response = await operation.endpoint(request)
        if operation.immutable and response.status_code == 200:
            response.headers["Cache-Control"] = IMMUTABLE
            response.headers["Vary"] = "Authorization, X-API-Key, X-Tenant-ID"
        await response(scope, receive, send)
