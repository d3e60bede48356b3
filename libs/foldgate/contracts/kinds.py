"""Kinds of jobs, which are the types of their steps, and how a worker says that it takes all of a kind."""

PLAIN = "job"
"""The kind of a job whose step says no other."""
BUILT_IN = frozenset({"http", "script"})
"""Kinds that mean the same in every workflow: their jobs are given to workers that say they do them, and to no worker
that does not say what it does."""
_KIND = "kind:"


def kind_topic(kind: str) -> str:
    """What a worker names among its topics that takes every job of a kind: no job has such a topic."""
    return _KIND + kind


def is_kind_topic(text: str) -> bool:
    """Whether it stands for the jobs of a kind."""
    return text.startswith(_KIND)
