"""Properties of deciding, on made-up bundles and jobs: no bundle loosens what another says, whatever is in it."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from foldgate.authority import constraints
from foldgate.authority.constraints import REDACTION, Constraints, constraints_of, tightest
from foldgate.authority.deciding import STRICTNESS, Outcome, decide
from foldgate.authority.explaining import explain
from foldgate.authority.facts import Facts, facts_of_job
from foldgate.authority.planning import Phase
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.authority.terms import satisfied
from foldgate.contracts.events import Job, PolicyVersion, Vote
from tests.support.policies import RUN, bundle, job, version

WORDS = st.sampled_from(["a", "b", "c"])
PATTERNS = st.sampled_from(["a", "b", "c", "*", "a*", "*b"])
SOME = st.lists(WORDS, max_size=2, unique=True)
LIMIT = st.integers(1, 5)
CONDITIONS = st.sampled_from(
    [
        "job.input.n > 2",
        "job.input.n > 5",
        "job.input.n > 2 || run.labels['env'] == 'prod'",
        "'a' in job.risk_tags",
        "job.input",
        "job.risk_tags.exists(tag, tag == 'b')",
        "false",
    ]
)


def parts(**values: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A map that has any of these."""
    return st.fixed_dictionaries({}, optional=values)


MATCHES = parts(
    topics=st.lists(PATTERNS, max_size=2, unique=True),
    tenants=SOME,
    risk_tags=SOME,
    labels=st.dictionaries(st.just("env"), WORDS, max_size=1),
    secrets_present=st.booleans(),
    mcp=parts(allow_tools=st.lists(PATTERNS, max_size=2, unique=True), deny_servers=SOME),
)
LIMITS = parts(
    max_runtime_ms=LIMIT,
    max_concurrent=st.fixed_dictionaries({"key": st.sampled_from(["tenant", "topic"]), "limit": LIMIT}),
    rate=st.fixed_dictionaries({"key": st.sampled_from(["tenant", "topic"]), "per_minute": LIMIT}),
    allowed_tools=SOME,
    network_allowlist=SOME,
    redaction=st.sampled_from(REDACTION),
    max_cost_usd=st.floats(0, 5),
)
ASKING = parts(required=st.integers(1, 3), roles=SOME, exclude_requester=st.booleans(), majority=st.booleans())


def limited(limits: dict[str, Any]) -> dict[str, Any]:
    """A rule that allows within limits."""
    return {"decision": "allow_with_constraints", "constraints": limits}


COMMON = {"match": MATCHES, "when": CONDITIONS, "phase": st.sampled_from(["any", "dispatch"])}
RULES = st.one_of(
    parts(**COMMON).map(lambda rule: {**rule, "decision": "allow"}),
    parts(**COMMON).map(lambda rule: {**rule, "decision": "deny"}),
    parts(**COMMON, approval=ASKING, constraints=LIMITS).map(lambda rule: {**rule, "decision": "require_approval"}),
    parts(**COMMON, throttle=parts(max_times=LIMIT)).map(lambda rule: {**rule, "decision": "throttle"}),
    st.tuples(parts(**COMMON), LIMIT, LIMITS).map(
        lambda made: {**made[0], **limited({"max_runtime_ms": made[1], **made[2]})}
    ),
)
BUNDLES = st.tuples(st.lists(RULES, max_size=8), st.sampled_from(["allow", "deny"]))
JOBS = st.builds(
    job,
    st.sampled_from(
        [{"n": 1}, {"n": 3}, {}, True, {"n": 3, "key": "secret://a"}, {"mcp": {"tool": "a", "server": "b"}}]
    ),
    topic=st.sampled_from(["a", "b", "ab", "cb"]),
    tenant=WORDS,
    risk_tags=SOME.map(tuple),
    labels=st.dictionaries(st.sampled_from(["env", "mcp.tool", "mcp.server"]), WORDS),
)
PHASES: st.SearchStrategy[Phase] = st.sampled_from(["submit", "dispatch"])
VOTES = st.lists(
    st.builds(
        Vote,
        voter=st.sampled_from(["ada@example.com", "bob", "cy", "dee"]),
        approve=st.booleans(),
        roles=SOME.map(tuple),
        at=st.just(1),
    ),
    max_size=5,
)


def versions(made: list[tuple[list[dict[str, Any]], str]]) -> list[PolicyVersion]:
    return [version(bundle(f"b{at}", *rules, default=default)) for at, (rules, default) in enumerate(made)]


def about(asked: Job, phase: Phase) -> Facts:
    return facts_of_job(asked, RUN) if phase == "dispatch" else Facts(RUN, None)


def is_tighter(one: Constraints, other: Constraints) -> bool:
    """Whether everything that the first lets through the other lets through as well."""
    return tightest([one, other]) == tightest([one])


@given(made=st.lists(BUNDLES, min_size=1, max_size=3), more=BUNDLES, asked=JOBS, phase=PHASES, votes=VOTES)
def test_a_bundle_more_loosens_nothing(*, made: Any, more: Any, asked: Job, phase: Phase, votes: list[Vote]) -> None:
    before = decide(snapshot_of(versions(made)), about(asked, phase), phase=phase)
    after = decide(snapshot_of(versions([*made, more])), about(asked, phase), phase=phase)
    assert STRICTNESS.index(after.decision) >= STRICTNESS.index(before.decision)
    if after.decision == "deny":
        return
    assert is_tighter(constraints_of(after.constraints), constraints_of(before.constraints))
    if before.terms is not None:
        assert after.terms is not None
        if satisfied(after.terms, votes, requester="ada@example.com"):
            assert satisfied(before.terms, votes, requester="ada@example.com")
    if after.decision == before.decision == "throttle":
        assert after.throttle_ms >= before.throttle_ms
        assert after.throttle_times <= before.throttle_times


@given(st.lists(BUNDLES, min_size=1, max_size=3), st.lists(st.tuples(JOBS, PHASES), min_size=1, max_size=6))
def test_what_is_known_from_before_changes_nothing(made: Any, asked: list[tuple[Job, Phase]]) -> None:
    """The same snapshot that has decided much, and one that is new, say the same; and what they say is what one comes
    to who asks every rule everything."""
    used = snapshot_of(versions(made))
    for one, phase in asked:
        outcome = decide(used, about(one, phase), phase=phase)
        forgetful = Snapshot(name=used.name, bundles=tuple(map(_forgetting, used.bundles)))
        assert outcome == decide(forgetful, about(one, phase), phase=phase)
        slow = Snapshot(name=used.name, bundles=tuple(map(_one_by_one, used.bundles)))
        assert outcome == decide(slow, about(one, phase), phase=phase)
        assert outcome == decide(used, about(one, phase), phase=phase)
        assert outcome.decision == _strictest(explain(used, about(one, phase), phase=phase).bundles, phase)


@given(st.lists(BUNDLES, min_size=1, max_size=3), JOBS, st.randoms())
def test_the_order_of_bundles_says_nothing(made: Any, asked: Job, random: Any) -> None:
    several = versions(made)
    mixed = random.sample(several, len(several))
    one, other = (decide(snapshot_of(each), about(asked, "dispatch"), phase="dispatch") for each in (several, mixed))
    assert one == other


@given(st.lists(LIMITS, min_size=1, max_size=4), st.randoms())
def test_constraints_combine_to_the_tightest_in_any_order(made: list[dict[str, Any]], random: Any) -> None:
    several = [_limits(each) for each in made]
    whole = tightest(several)
    assert all(is_tighter(whole, one) for one in several)
    assert tightest(random.sample(several, len(several))) == whole
    assert tightest([whole, *several]) == whole
    assert constraints_of(constraints.canonical(whole)) == whole


def _limits(said: dict[str, Any]) -> Constraints:
    rule = limited({"max_runtime_ms": 9, **said})
    outcome: Outcome = decide(snapshot_of([version(bundle("a", rule))]), about(job(), "dispatch"), phase="dispatch")
    return constraints_of(outcome.constraints)


def _forgetting(used: Any) -> Any:
    return msgspec.structs.replace(used, plans={})


def _one_by_one(used: Any) -> Any:
    """With no conditions that are asked together."""
    rules = tuple(rule._replace(seat=None) for rule in used.rules)
    return msgspec.structs.replace(used, rules=rules, plans={})


def _strictest(explained: Any, phase: Phase) -> str:
    said: list[str] = [one.decision for one in explained]
    if phase == "submit":
        said = ["deny" if each == "deny" else "allow" for each in said]
    return max(said, key=STRICTNESS.index)
