"""Pools: one aggregate, which there are, which topics go to them, and which of them take jobs."""
