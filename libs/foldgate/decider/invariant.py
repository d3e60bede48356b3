"""The invariants of the suite, by id. Code, tests and docs/invariants.md name them alike."""

INVARIANTS = {
    "INV-01": "Of any number of owners of a partition, readers accept the batches of one at a time, in its order.",
    "INV-02": "The events of an aggregate are numbered from 1 without a gap.",
    "INV-03": "Each event's chain hash follows from the event before it in its stream and key.",
    "INV-04": "An aggregate that has ended gets no further event.",
    "INV-05": "Within an aggregate the clock rises with each event, and the recorded time never falls.",
    "INV-06": "The same message twice adds nothing the second time.",
    "INV-07": "An aggregate whose time has come acts.",
    "INV-08": "An append carries decisions and the input positions they answer, or neither.",
    "INV-09": "An input position never goes back.",
    "INV-10": "No job is dispatched without a writ for exactly that job, live at that time.",
    "INV-11": "A run that has not ended has a wake-up.",
    "INV-12": "A run reaches exactly one terminal status.",
    "INV-13": "Checkpoint and tail give the same state as the whole log.",
    "INV-14": "What is relayed is on its target at least once, in order of first occurrence, without a gap.",
    "INV-15": "A submission is answered, or set aside with its reason; it is never lost.",
    "INV-16": "A job is done no more often than it was dispatched, and not again after its step has ended.",
    "INV-17": "A step that ends failed, denied or timed out after a job is one dead letter, and nothing else is.",
    "INV-18": "An attempt begins once under its lease, and not once that is lost.",
}


class InvariantBroken(Exception):
    """A fault of ours: the text names the invariant and what was seen."""


def broken(invariant: str, seen: str) -> InvariantBroken:
    """What to raise where an invariant does not hold."""
    return InvariantBroken(f"{invariant}: {INVARIANTS[invariant]} Seen: {seen}")
