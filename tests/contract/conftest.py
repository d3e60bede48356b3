"""The contract suite runs once for each driver of the log."""

import pytest

from tests.support.logs import Opened, opened_by


@pytest.fixture(params=["memory", "postgres", "kafka"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Connections to one fresh log of each driver."""
    return opened_by(request.param, request)
