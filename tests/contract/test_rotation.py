"""Keys are replaced while jobs wait: what the old ones signed is done, and what comes later is signed by the new."""

import asyncio

from foldgate.contracts.events import JobDispatched, RunSucceeded
from foldgate.runtime.keys import Keys
from foldgate.sdk.client import Client
from tests.contract.test_skeleton import a_worker, queued
from tests.support.checker import check_streams
from tests.support.history import history_of
from tests.support.keys import ISSUER, KERNEL, SCHEDULER, files, signer
from tests.support.logs import Opened
from tests.support.suite import running, working

NUMBERS = {"kernel": 21, "scheduler": 22}
NEW_KERNEL, NEW_SCHEDULER = signer("kernel", 21), signer("scheduler", 22)
REPLACED = Keys(files(**NUMBERS).__getitem__)


async def test_a_writ_of_the_old_key_is_good_beside_those_of_the_new(opened: Opened) -> None:
    ran: list[str] = []
    async with opened() as log, asyncio.timeout(90):
        client = Client(log, signer=ISSUER)
        async with running(log):
            old = (await client.run_job("job.echo")).run_id
            await queued(log, old)
        async with running(log, keys=REPLACED), working(log, a_worker(ran)):
            new = (await client.run_job("job.echo")).run_id
            for run in (old, new):
                assert isinstance(await client.ended(run), RunSucceeded)
        history = await history_of(log)
    check_streams(history)
    signed = {one.meta.run_id: one.event for one in history.of(JobDispatched) if isinstance(one.event, JobDispatched)}
    kernels = {run: event.writ.signature and event.writ.signature.key_id for run, event in signed.items()}
    assert kernels == {old: KERNEL.certificate.key_id, new: NEW_KERNEL.certificate.key_id}
    schedulers = {event.signature and event.signature.key_id for event in signed.values()}
    assert schedulers == {NEW_SCHEDULER.certificate.key_id} != {SCHEDULER.certificate.key_id}
    assert sorted(ran) == sorted([f"{old}:job@1", f"{new}:job@1"])
