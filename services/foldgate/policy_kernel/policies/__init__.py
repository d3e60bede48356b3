"""Policies: one aggregate, the drafts of bundles and the snapshots that were ever active."""
