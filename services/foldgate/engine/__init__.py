"""The engine: decides what happens next in a run, and is the only judge of an attempt."""
