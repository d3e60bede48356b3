"""Patterns of names: `*` stands for any text, all else for itself. In time that grows with the text alone."""

from collections.abc import Callable


def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches the pattern as a whole."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern.__eq__
    *middle, last = rest

    def matches(text: str) -> bool:
        """What is found as early as it can be leaves the most for what comes after it."""
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches
