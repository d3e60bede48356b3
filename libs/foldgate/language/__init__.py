"""Workflow documents: read, checked, brought to one canonical form, and compiled for the engine.

`publish.prepare` is the way in, `compile.compiled` gives what the engine runs, `definitions.Definitions` keeps it.
"""
