"""Slots: one aggregate a concurrency key."""
