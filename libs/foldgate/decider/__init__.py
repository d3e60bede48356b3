"""Pure decisions: the decider pattern and the partition processor that runs it."""
