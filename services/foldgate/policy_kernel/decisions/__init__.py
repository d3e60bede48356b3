"""Decisions: one aggregate a run, what was decided of its jobs."""
