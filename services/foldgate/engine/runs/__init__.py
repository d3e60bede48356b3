"""Runs: one aggregate a run."""
