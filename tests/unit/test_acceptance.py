"""The reader rule: any two readers accept the same records, whole batches, of one owner at a time (INV-01)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldgate.contracts.places import START, Partition, Position
from foldgate.eventlog.acceptance import Acceptance, decode_head, encode_head
from foldgate.eventlog.log import BatchHead, Record

RUNS = Partition("runs", 0)


def batch(head: BatchHead | bytes | None, first: int) -> list[Record]:
    """A batch as it lies in a log; without a head it is a record that somebody else wrote."""
    encoded, count = (encode_head(head), head.count) if isinstance(head, BatchHead) else (head, 1)
    return [Record(RUNS, first + at, b"k", b"v", encoded if at == 0 else None) for at in range(count)]


def claim(epoch: int, claimant: str = "one", count: int = 1) -> BatchHead:
    return BatchHead(epoch=epoch, sequence=0, count=count, claimant=claimant)


def other(epoch: int, sequence: int, count: int = 1) -> BatchHead:
    return BatchHead(epoch=epoch, sequence=sequence, count=count)


@pytest.mark.parametrize(
    ("at", "head", "after"),
    [
        (START, claim(1), Position(8, 1, 1, 0)),
        (START, claim(1, count=3), Position(8, 1, 1, 2)),
        (START, claim(2), None),
        (START, claim(0), None),
        (START, other(1, 0), None),
        (START, other(0, 1), None),
        (Position(5, 3, 7, 0), other(3, 7), Position(8, 3, 8, 0)),
        (Position(5, 3, 7, 0), other(3, 7, count=5), Position(8, 3, 8, 4)),
        (Position(5, 3, 7, 0), other(3, 6), None),
        (Position(5, 3, 7, 0), other(3, 8), None),
        (Position(5, 3, 7, 0), other(2, 7), None),
        (Position(5, 3, 7, 0), other(4, 7), None),
        (Position(5, 3, 7, 0), other(4, 0), None),
        (Position(5, 3, 7, 0), claim(4), Position(8, 4, 1, 0)),
        (Position(5, 3, 7, 0), claim(3), None),
        (Position(5, 3, 7, 0), claim(5), None),
        (Position(5, 3, 7, 0), BatchHead(epoch=4, sequence=1, count=1, claimant="one"), None),
        (Position(5, 3, 7, 0), BatchHead(epoch=3, sequence=7, count=1, claimant="one"), None),
    ],
)
def test_a_batch_counts_if_it_is_next_or_the_next_owners_claim(
    at: Position, head: BatchHead, after: Position | None
) -> None:
    reader = Acceptance(at)
    [record, *_] = batch(head, 7)
    assert reader.accepts(record) == (after is not None)
    assert reader.position == (after or at)
    assert reader.passed_over == (after is None)
    assert reader.head == head
    assert reader.claimant == (head.claimant if after else "")


def test_the_records_of_a_batch_count_with_its_first() -> None:
    reader = Acceptance(START)
    records = [*batch(claim(1), 0), *batch(other(1, 1, 3), 1), *batch(None, 4), *batch(other(1, 2), 5)]
    assert [reader.accepts(record) for record in records] == [True, True, True, True, False, True]
    assert reader.head == other(1, 2)


def test_the_records_of_a_batch_that_does_not_count_do_not_either() -> None:
    reader = Acceptance(START)
    records = [*batch(claim(1), 0), *batch(other(1, 5, 3), 1), *batch(other(1, 1), 4)]
    assert [reader.accepts(record) for record in records] == [True, False, False, False, True]
    assert reader.passed_over == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0",
        b"\x93\x01\x00",
        b"\x93\x01\x00\xa1x",
        encode_head(claim(1))[:-1],
        encode_head(claim(1)) + b"\x00",
        encode_head(BatchHead(epoch=1, sequence=0, count=0, claimant="one")),
        encode_head(BatchHead(epoch=1, sequence=0, count=-1, claimant="one")),
        b"\x95\x01\x00\x01\x90\xa1\xff",
        b"\x96\x01\x00\x01\x90\xa1x" + b"\x91" * 100_000,
        b"\x91" * 100_000,
    ],
    ids=["nothing", "nil", "cut", "a name", "short", "long", "none", "fewer", "no UTF-8", "deep", "deeper"],
)
def test_what_is_no_head_opens_nothing(data: bytes) -> None:
    assert decode_head(data) is None
    reader = Acceptance(START)
    [record] = batch(data, 0)
    assert not reader.accepts(record)
    assert reader.position == START


@given(st.binary(max_size=30))
def test_chance_is_no_head_or_one_of_some_records(data: bytes) -> None:
    head = decode_head(data)
    assert head is None or head.count > 0


SMALL = st.integers(0, 2)
HEADS = st.builds(
    BatchHead, epoch=SMALL, sequence=SMALL, count=st.integers(1, 3), claimant=st.sampled_from(["", "", "one", "two"])
)
ANYTHING = st.lists(st.tuples(st.none() | st.just(b"\xc1") | HEADS, st.integers(0, 2)), max_size=30)


def laid_out(batches: list[tuple[BatchHead | bytes | None, int]]) -> list[list[Record]]:
    """Batches one after another, each after a hole in the offsets, as a broker leaves them."""
    laid, end = [], 0
    for head, hole in batches:
        laid.append(batch(head, end + hole))
        end = laid[-1][-1].offset + 1
    return laid


def readings(records: list[Record]) -> Iterator[tuple[Position, set[int]]]:
    """Each position of a reader of the whole log, and what it accepted after that."""
    reader = Acceptance(START)
    steps = [(reader.position, -1)]
    steps += [(reader.position, record.offset) for record in records if reader.accepts(record)]
    for at, (position, _) in enumerate(steps):
        yield position, {offset for _, offset in steps[at + 1 :]}


def accepted(records: list[Record], start: Position) -> set[int]:
    """What a reader accepts who starts at a position: it reads from that offset on."""
    reader = Acceptance(start)
    return {record.offset for record in records if record.offset >= start.offset and reader.accepts(record)}


@given(ANYTHING)
@settings(max_examples=500)
def test_any_two_readers_accept_the_same_wherever_they_start(
    batches: list[tuple[BatchHead | bytes | None, int]],
) -> None:
    records = [record for one in laid_out(batches) for record in one]
    for position, rest in readings(records):
        assert accepted(records, position) == rest


@given(ANYTHING)
def test_a_batch_is_accepted_whole_or_not_at_all(batches: list[tuple[BatchHead | bytes | None, int]]) -> None:
    laid = laid_out(batches)
    found = accepted([record for one in laid for record in one], START)
    for one in laid:
        assert len({record.offset in found for record in one}) == 1


@dataclass
class History:
    """A log that takes everything, in the order in which it arrives."""

    records: list[Record] = field(default_factory=list)
    batches: list[tuple[str, BatchHead, int]] = field(default_factory=list)

    def read(self) -> Acceptance:
        reader = Acceptance(START)
        for record in self.records:
            reader.accepts(record)
        return reader

    def lands(self, writer: str, head: BatchHead) -> None:
        self.batches.append((writer, head, len(self.records)))
        self.records += batch(head, len(self.records))

    def repeats(self, count: int) -> None:
        for writer, head, _ in self.batches[-count:]:
            self.lands(writer, head)

    def counted(self) -> list[tuple[str, BatchHead]]:
        """The batches that readers accept, and who wrote them."""
        found = accepted(self.records, START)
        return [(writer, head) for writer, head, first in self.batches if first in found]


@dataclass
class Owner:
    """A writer that does as `owner.py` does: it claims, reads back, and appends while it believes to own. What it sends
    lands late, or never; an owner that was replaced does not know."""

    name: str
    claims: int = 0
    epoch: int = 0
    sequence: int = 0
    under_way: list[BatchHead] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.name}#{self.claims}"

    def wants(self, log: History, count: int) -> None:
        self.claims += 1
        self.epoch = 0
        self.under_way.append(claim(log.read().position.epoch + 1, self.id, count))

    def reads_back(self, log: History) -> None:
        reader = log.read()
        if not self.epoch and reader.claimant == self.id:
            self.epoch, self.sequence = reader.position.epoch, 1

    def appends(self, count: int) -> None:
        if self.epoch:
            self.under_way.append(other(self.epoch, self.sequence, count))
            self.sequence += 1

    def lands(self, log: History) -> None:
        if self.under_way:
            log.lands(self.name, self.under_way.pop(0))

    def loses(self, _: History) -> None:
        self.under_way = self.under_way[1:]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "append", "append", "read", "land", "land", "land", "lose", "again", "foreign"]),
        st.integers(0, 2),
        st.integers(1, 3),
    ),
    max_size=60,
)


def lived(acts: list[tuple[str, int, int]]) -> History:
    log, owners = History(), [Owner("ada"), Owner("bob"), Owner("cyd")]
    for act, who, count in acts:
        owner = owners[who]
        if act in ("read", "land", "lose"):
            {"read": owner.reads_back, "land": owner.lands, "lose": owner.loses}[act](log)
        elif act in ("claim", "append"):
            owner.wants(log, count) if act == "claim" else owner.appends(count)
        elif act == "foreign":
            log.records += batch(None, len(log.records))
        else:
            log.repeats(count)
    return log


@given(ACTS)
@settings(max_examples=500)
def test_one_owner_an_epoch_and_its_batches_in_its_order(acts: list[tuple[str, int, int]]) -> None:
    """Claims that race, owners that do not know that they were replaced, appends lost, repeats, foreign records."""
    counted = lived(acts).counted()
    claims = [(writer, head) for writer, head in counted if head.claimant]
    assert [head.epoch for _, head in claims] == list(range(1, len(claims) + 1))
    owners = {head.epoch: writer for writer, head in claims}
    assert all(owners[head.epoch] == writer for writer, head in counted)
    places = [(head.epoch, head.sequence) for _, head in counted]
    assert places == sorted(set(places)), "in order, and none twice"
    for epoch in owners:
        sequences = [sequence for at, sequence in places if at == epoch]
        assert sequences == list(range(len(sequences))), "and none left out"


@given(ACTS)
def test_readers_of_such_a_log_agree_too(acts: list[tuple[str, int, int]]) -> None:
    records = lived(acts).records
    for position, rest in readings(records):
        assert accepted(records, position) == rest


def test_an_owner_that_was_replaced_has_the_end_of_what_it_wrote_passed_over() -> None:
    log, old, new = History(), Owner("ada"), Owner("bob")
    for owner in (old, new):
        owner.wants(log, 1)
        owner.lands(log)
        owner.reads_back(log)
        old.appends(2)
    new.appends(3)
    for owner in (old, new, old):
        owner.lands(log)
    assert log.counted() == [("ada", claim(1, "ada#1")), ("bob", claim(2, "bob#1")), ("bob", other(2, 1, 3))]
