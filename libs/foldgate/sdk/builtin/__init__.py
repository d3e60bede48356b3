"""The built-in worker: does what steps of the types `http` and `script` say, without code of anybody's own.

`offer.py` makes it; how it is described: docs/workers.md.
"""
