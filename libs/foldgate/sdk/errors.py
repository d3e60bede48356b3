"""What a handler raises when its job did not work out, each with a code that others can rely on."""

BREACHED = "constraint_breached"


class JobError(Exception):
    """A handler's own failure; `retryable` says whether another attempt may succeed."""

    def __init__(self, code: str, message: str, *, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.retryable, self.retry_after = code, retryable, retry_after


class Retryable(JobError):
    """It did not work this time. The run tries again as its step says, not before `retry_after` seconds."""

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code, message, retry_after=retry_after)


class Fatal(JobError):
    """It will not work, however often it is tried."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, retryable=False)


class ConstraintBreach(Fatal):
    """What the handler wanted is not allowed. It was reported, and kept from happening."""

    def __init__(self, constraint: str, message: str) -> None:
        super().__init__(BREACHED, message)
        self.constraint = constraint


class Cancelled(Exception):
    """The job is not wanted any more, and the handler has looked."""


class WorkerUnfit(Exception):
    """A worker cannot work as it is: it trusts no key, or refuses whatever it is given."""
