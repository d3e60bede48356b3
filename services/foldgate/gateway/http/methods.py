"""Methods that a path does not know: refused, with all those that it does."""

from collections.abc import Iterable

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from foldgate.gateway.http.operations import Operation
from foldgate.gateway.http.problems import Problem


class OtherMethods:
    """What is served at a path where none of its operations is meant."""

    def __init__(self, methods: Iterable[str]) -> None:
        self._allowed = ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))

    async def __call__(self, _: Scope, __: Receive, ___: Send) -> None:
        """Refuse."""
        what = f"Expected one of the methods {self._allowed} on this path, but got another."
        raise Problem("method_not_allowed", what, headers={"Allow": self._allowed})


def refusals(operations: Iterable[Operation]) -> list[Route]:
    """A route for each path of these operations, behind all of theirs."""
    methods: dict[str, list[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, []).append(operation.method)
    return [Route(path, OtherMethods(here)) for path, here in methods.items()]
