"""The reader rule: which records of an owned partition count. Every reader of the suite goes through it.

A batch counts if it is the next batch of the current owner, or a claim by the next owner:

    claim   head.claimant set, head.epoch == epoch + 1, head.sequence == 0  ->  that epoch is current, sequence 1 next
    other   head.epoch == epoch, head.sequence == sequence                  ->  sequence + 1 next

Everything else is passed over by all readers alike: the batch of an owner that was replaced, the second of two claims
that raced, a repeated batch, a batch after a lost one, a record that somebody else wrote here. The rule looks at
nothing but the log, so each reader, at any time, from any of its own positions, comes to the same answer (INV-01); that
is what makes a takeover safe, whatever a broker does to a paused or partitioned owner. Records of one batch lie next to
each other because an append is atomic; `Position.left` lets a reader stop and resume in the middle of a batch.
"""

import msgspec

from foldgate.eventlog.log import BatchHead, Position, Record

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(BatchHead)


def encode_head(head: BatchHead) -> bytes:
    """The bytes of a batch head, as drivers store them."""
    return _encoder.encode(head)


def decode_head(data: bytes) -> BatchHead | None:
    """The head in these bytes, or None if they are not one; anybody may have written them."""
    try:
        head = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return head if head.count > 0 else None


class Acceptance:
    """The reader rule at one place of one owned partition. `head` is that of the batch that was opened last, or None
    where the last record that could have opened one did not have any."""

    def __init__(self, position: Position, *, claimant: str = "") -> None:
        self._offset = position.offset
        self._epoch = position.epoch
        self._sequence = position.sequence
        self._left = position.left
        self.claimant = claimant
        self.head: BatchHead | None = None
        self.passed_over = 0

    @property
    def position(self) -> Position:
        """Where a reader that has taken all accepted records so far may resume."""
        return Position(self._offset, self._epoch, self._sequence, self._left)

    def accepts(self, record: Record) -> bool:
        """Whether this record counts; call once for each record, in order. After the first record of a batch that
        counts, `head` is its head."""
        if self._left:
            self._left -= 1
        elif not self._opens(record):
            self.passed_over += 1
            return False
        self._offset = record.offset + 1
        return True

    def _opens(self, record: Record) -> bool:
        self.head = head = decode_head(record.head) if record.head is not None else None
        if head is None or not self._fits(head):
            return False
        self._left = head.count - 1
        self._sequence = head.sequence + 1
        if head.claimant:
            self._epoch, self.claimant = head.epoch, head.claimant
        return True

    def _fits(self, head: BatchHead) -> bool:
        if head.claimant:
            return head.epoch == self._epoch + 1 and head.sequence == 0
        return head.epoch == self._epoch and head.sequence == self._sequence
