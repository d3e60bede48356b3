"""Servers that Foldgate can run for itself when none is given: for a laptop and for tests."""
