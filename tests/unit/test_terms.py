"""Terms of approvals: who may vote, what votes come to, and that combining terms never loosens one."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.authority.terms import Quorum, Terms, combined, missing, objection, outcome, satisfied
from foldgate.contracts.events import Vote

NAMES = ("ada", "bob", "eve", "kim", "lou")


def votes(*said: str) -> list[Vote]:
    """Each as "bob", "bob:sre" or, for a no, "-bob:sre,legal"."""
    found = []
    for number, one in enumerate(said):
        name, _, roles = one.partition(":")
        found.append(
            Vote(
                voter=name.lstrip("-"),
                roles=tuple(filter(None, roles.split(","))),
                at=number,
                approve=not name.startswith("-"),
            )
        )
    return found


def comes_to(terms: Terms, *said: str) -> str:
    return outcome(terms, votes(*said), requester="ada")


def test_terms_are_read_from_what_workflows_and_rules_write() -> None:
    terms = Terms.of('{"required":2,"roles":["sre"],"expires_in_ms":500,"on_expire":"timed_out"}')
    assert terms == Terms(required=2, roles=("sre",), expires_in_ms=500, on_expire="timed_out")
    assert (terms.patience_ms, terms.times_out) == (500, True)
    assert Terms.of(terms.text()) == terms
    assert Terms(expires_in=9).patience_ms == 9
    assert Terms().text() == "{}"


@pytest.mark.parametrize("text", ["no JSON", '{"required":0}', '{"required":"many"}', '{"unheard_of":1}'])
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        Terms.of(text)


@pytest.mark.parametrize(
    ("terms", "said", "expected"),
    [
        (Terms(), (), "open"),
        (Terms(), ("bob",), "granted"),
        (Terms(), ("-bob",), "refused"),
        (Terms(required=2), ("bob", "bob"), "open"),
        (Terms(required=2), ("bob", "eve"), "granted"),
        (Terms(required=2), ("bob", "eve", "-kim"), "refused"),
        (Terms(exclude_requester=True), ("ada",), "open"),
        (Terms(exclude_requester=True), ("-ada", "bob"), "granted"),
        (Terms(roles=("sre",)), ("bob:dev",), "open"),
        (Terms(roles=("sre", "ops")), ("bob:dev,ops",), "granted"),
        (Terms(roles=("sre",)), ("-bob:dev", "eve:sre"), "granted"),
        (Terms(required=2, majority=True), ("bob", "-eve"), "open"),
        (Terms(required=2, majority=True), ("bob", "-eve", "kim"), "granted"),
        (Terms(required=2, majority=True), ("bob", "-eve", "-kim"), "refused"),
        (Terms(required=1, majority=True), ("-bob",), "refused"),
        (Terms(required=2, majority=True), ("bob", "-eve", "kim", "-lou"), "refused"),
        (Terms(required=3, also=(Quorum(roles=("sre",)),)), ("bob", "eve", "kim"), "open"),
        (Terms(required=3, also=(Quorum(roles=("sre",)),)), ("bob", "eve", "kim:sre"), "granted"),
        (Terms(roles=("sre",), also=(Quorum(roles=("law",)),)), ("bob:sre,law",), "granted"),
        (Terms(roles=("sre",), also=(Quorum(roles=("law",)),)), ("bob:sre", "-eve:law"), "refused"),
    ],
)
def test_what_votes_come_to(terms: Terms, said: tuple[str, ...], expected: str) -> None:
    assert comes_to(terms, *said) == expected
    assert satisfied(terms, votes(*said), requester="ada") == (expected == "granted")


def test_whose_vote_would_not_count_is_told_why() -> None:
    assert objection(Terms(), "ada", (), requester="ada") is None
    assert "somebody else" in str(objection(Terms(exclude_requester=True), "ada", (), requester="ada"))
    terms = Terms(roles=("sre",), also=(Quorum(roles=("law",)),))
    assert objection(terms, "bob", ("law",), requester="ada") is None
    assert objection(terms, "bob", (), requester="ada") == (
        "Expected somebody who is law or sre, but 'bob' is none of that."
    )
    assert "'bob' is dev and ops" in str(objection(terms, "bob", ("dev", "ops"), requester="ada"))


def test_what_is_missing_is_told_for_each_quorum() -> None:
    terms = Terms(required=2, also=(Quorum(roles=("law", "sre")),))
    assert missing(terms, votes("bob"), requester="ada") == ["1 of 2 votes", "1 of 1 votes of law or sre"]
    assert missing(terms, votes("bob", "eve:sre"), requester="ada") == []


def test_terms_combine_to_what_satisfies_all() -> None:
    assert combined([]) == Terms()
    both = combined(
        [
            Terms(required=2, roles=("sre", "ops"), expires_in=900, majority=True, on_expire="timed_out"),
            Terms(required=3, roles=("ops", "sre"), expires_in_ms=500, exclude_requester=True),
            Terms(roles=("law",), majority=True, on_expire="timed_out"),
        ]
    )
    assert both == Terms(
        required=1,
        roles=("law",),
        also=(Quorum(required=3, roles=("ops", "sre")),),
        exclude_requester=True,
        expires_in_ms=500,
    )
    assert combined([Terms(majority=True, on_expire="timed_out")]) == Terms(majority=True, on_expire="timed_out")


ROLES = st.lists(st.sampled_from(["sre", "law"]), max_size=2, unique=True).map(tuple)
TERMS = st.builds(
    Terms,
    required=st.integers(1, 3),
    roles=ROLES,
    exclude_requester=st.booleans(),
    majority=st.booleans(),
    also=st.lists(st.builds(Quorum, required=st.integers(1, 2), roles=ROLES), max_size=1).map(tuple),
)
VOTES = st.lists(st.builds(Vote, voter=st.sampled_from(NAMES), roles=ROLES, at=st.just(1), approve=st.booleans()))


@given(st.lists(TERMS, min_size=1, max_size=3), VOTES)
def test_what_satisfies_combined_terms_satisfies_each(several: list[Terms], given_votes: list[Vote]) -> None:
    terms = combined(several)
    cast = [vote for vote in given_votes if objection(terms, vote.voter, vote.roles, requester="ada") is None]
    if satisfied(terms, cast, requester="ada"):
        assert all(satisfied(one, cast, requester="ada") for one in several)


@given(
    TERMS,
    st.lists(
        st.builds(Vote, voter=st.sampled_from(NAMES), roles=ROLES, at=st.just(1)),
        max_size=4,
        unique_by=lambda vote: vote.voter,
    ),
)
def test_the_order_of_votes_does_not_matter(terms: Terms, given_votes: list[Vote]) -> None:
    orders = itertools.permutations(given_votes)
    assert len({outcome(terms, order, requester="ada") for order in orders}) == 1
