"""Expressions: CEL inside `${…}`, compiled once, checked before anything runs, bounded in all they may cost."""
