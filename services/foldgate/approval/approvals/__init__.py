"""Approvals: one aggregate a run, the questions that are open."""
