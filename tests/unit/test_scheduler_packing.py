"""A waiting job as bytes: what comes out is what went in."""

import msgspec
import pytest

from foldgate.contracts.events import Signature
from foldgate.scheduler.jobs.packing import Authorised, body_of, shape_of, unpacked
from tests.support.pools import issued

NAMES = ["", "run_", "run_00ff", "run_00FF", "run_0 0f", "run_0", "00ff", "run_é", "writ_00ff", "ffrun_00"]


@pytest.mark.parametrize("size", [0, 5000])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_as_it_was(name: str, size: int) -> None:
    event = issued(size=size)
    signature = Signature(key_id="k", certificate=b"c", value=b"v") if size else None
    writ = msgspec.structs.replace(event.writ, writ_id=name.replace("run", "writ"), signature=signature)
    one = Authorised(event.job, writ, constraints='{"rate":{"tenant":3}}', correlation=name)
    assert unpacked(one.job.job_id, shape_of(one), body_of(one)) == one
