"""What is asked of runs by nobody who may: it changes nothing, and stands in nobody's way."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.keys import Signer
from foldgate.authority.requests import OfRun, Vouching, sign_request
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    RequestRefused,
    RunCancelRequested,
    RunPaused,
    RunPauseRequested,
    RunRefused,
    RunRequested,
    RunResumed,
    RunResumeRequested,
    RunStarted,
    SignalReceived,
    SignalSent,
)
from foldgate.decider.decider import SetAside
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.evolve import REMEMBERED
from foldgate.engine.runs.state import Run
from foldgate.language.definitions import Definitions
from tests.support.given import Given, meta
from tests.support.keys import ISSUER, KERNEL, STRANGER, TRUST, from_anybody, signer_with

REVOKED: set[str] = set()
START = RunRequested(workflow="job", topic="job.echo", idempotency_key="k")
RUN = ids.run_id("acme", "job", "k")
CONTROLS: list[OfRun] = [RunCancelRequested(), RunPauseRequested(), RunResumeRequested(), SignalSent(name="go")]
ALL: list[OfRun] = [START, *CONTROLS]
FOREIGN = signer_with("issuer", tenant="other")
NOBODY: list[tuple[Signer | None, str]] = [
    (None, "unsigned"),
    (STRANGER, "unknown_key"),
    (KERNEL, "wrong_purpose"),
    (FOREIGN, "wrong_tenant"),
    (signer_with("issuer", not_after=1), "key_expired"),
    (signer_with("issuer", roles=("person",), name="bob"), "wrong_principal"),
]


def told(event: OfRun) -> str:
    return type(event).__name__


class Strict(Given[Run]):
    """A run of one step whose engine believes nobody without a key."""

    def __init__(self, *, unsigned: bool = False) -> None:
        decider = runs(
            Definitions(),
            max_lost=1,
            cancel_grace_ms=1,
            wait_noted_after_ms=60_000,
            max_events=50_000,
            genuine=from_anybody,
            vouching=Vouching(TRUST, revoked=REVOKED, unsigned=unsigned),
        )
        super().__init__(decider, key=RUN)

    def asked(self, event: OfRun, by: Signer | None = ISSUER, **about: Any) -> list[Event]:
        """What is said to this request of this issuer."""
        signed = event if by is None else sign_request(by, meta(RUN, **about), event)
        return self.when(signed, **about)

    def started(self) -> "Strict":
        assert isinstance(self.asked(START, request_id="start")[0], RunStarted)
        return self


@pytest.mark.parametrize(("signer", "code"), NOBODY)
def test_what_would_begin_a_run_is_set_aside(signer: Signer | None, code: str) -> None:
    subject = Strict()
    with pytest.raises(SetAside, match=r"^Expected .+\.$") as aside:
        subject.asked(START, signer)
    assert aside.value.code == code
    subject.started()


@pytest.mark.parametrize("event", ALL, ids=told)
@pytest.mark.parametrize(("signer", "code"), NOBODY)
def test_what_is_asked_of_a_run_is_refused_once_and_changes_nothing(
    event: OfRun, signer: Signer | None, code: str
) -> None:
    subject = Strict().started()
    before = subject.state
    [refused] = subject.asked(event, signer)
    assert isinstance(refused, RunRefused if event is START else RequestRefused)
    assert refused.code == code
    assert refused.reason.startswith("Expected ")
    assert before is not None
    assert subject.state is not None
    same = {"dismissed": before.dismissed, "events": before.events, "at": before.at}
    assert msgspec.structs.replace(subject.state, **same) == before
    assert subject.asked(event, signer) == []


def test_who_may_is_heard() -> None:
    subject = Strict().started()
    asked: list[tuple[OfRun, type[Event]]] = [
        (RunPauseRequested(), RunPaused),
        (RunResumeRequested(), RunResumed),
        (SignalSent(name="go"), SignalReceived),
    ]
    for number, (event, answer) in enumerate(asked):
        said = subject.asked(event, request_id=f"r{number}")
        assert isinstance(said[0], answer)
        assert subject.asked(event, request_id=f"r{number}") == [], "whoever read it sends it again in vain"
    one_tenant = signer_with("issuer", tenant="acme")
    assert isinstance(subject.asked(RunPauseRequested(), one_tenant, request_id="own")[0], RunPaused)


def test_a_revoked_key_vouches_for_nobody() -> None:
    subject = Strict().started()
    REVOKED.add(ISSUER.certificate.key_id)
    try:
        [refused] = subject.asked(RunPauseRequested())
    finally:
        REVOKED.clear()
    assert isinstance(refused, RequestRefused)
    assert refused.code == "key_revoked"


def test_no_stranger_takes_a_request_id_from_anybody() -> None:
    subject = Strict().started()
    subject.asked(RunPauseRequested(), None)
    assert isinstance(subject.asked(RunPauseRequested())[0], RunPaused)


@pytest.mark.parametrize("changes", [{"request_id": "other"}, {"principal": "eve"}, {"tenant": "other"}], ids=str)
def test_a_copied_signature_is_good_for_nothing_else(changes: dict[str, Any]) -> None:
    subject = Strict().started()
    copied = sign_request(ISSUER, meta(RUN), RunCancelRequested(reason="mine"))
    [refused] = subject.when(copied, **changes)
    assert isinstance(refused, RequestRefused)
    assert refused.code == "bad_signature"
    [refused] = subject.when(msgspec.structs.replace(copied, reason="another"), request_id="r2")
    assert isinstance(refused, RequestRefused)
    assert refused.code == "bad_signature"


@pytest.mark.parametrize("event", CONTROLS, ids=told)
@pytest.mark.parametrize("signer", [ISSUER, FOREIGN])
def test_whoever_speaks_for_another_tenant_asks_nothing_of_this_one(event: OfRun, signer: Signer) -> None:
    [refused] = Strict().started().asked(event, signer, tenant="other")
    assert isinstance(refused, RequestRefused)
    assert (refused.code, refused.reason) == (
        "wrong_tenant",
        "Expected somebody of the run's tenant, but it is of 'other'.",
    )


@pytest.mark.parametrize("event", CONTROLS, ids=told)
def test_a_signed_request_needs_an_id_so_that_it_counts_once(event: OfRun) -> None:
    [refused] = Strict().started().asked(event, request_id="")
    assert isinstance(refused, RequestRefused)
    assert refused.code == "no_request_id"


def test_of_a_run_its_key_says_which_it_is() -> None:
    assert isinstance(Strict().asked(START, request_id="")[0], RunStarted)


def test_where_settings_allow_it_nobody_need_vouch_but_a_wrong_signature_is_one() -> None:
    subject = Strict(unsigned=True)
    with pytest.raises(SetAside):
        subject.asked(START, KERNEL)
    assert isinstance(subject.asked(START, None, request_id="")[0], RunStarted)
    assert isinstance(subject.asked(RunPauseRequested(), None, request_id="")[0], RunPaused)
    [refused] = subject.asked(RunResumeRequested(), KERNEL)
    assert isinstance(refused, RequestRefused)
    assert refused.code == "wrong_purpose"


def test_whoever_asks_much_does_not_use_up_the_events_of_a_run() -> None:
    subject = Strict().started()
    for number in range(REMEMBERED):
        assert len(subject.asked(RunCancelRequested(), None, request_id=f"r{number}")) == 1
    with pytest.raises(SetAside) as aside:
        subject.asked(RunCancelRequested(), None, request_id="one more")
    assert aside.value.code == "unsigned"
    assert isinstance(subject.asked(RunPauseRequested())[0], RunPaused)
