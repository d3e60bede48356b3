"""How heavy a regular expression is: RE2 needs at worst so many steps for each byte that it looks at."""

import re

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+),?(\d*)\}|.", re.DOTALL)


def weight(pattern: str) -> int:
    """The size of its program: counted repetitions are written out."""
    groups = [[0, 0]]  # of each open group: its size so far, and that of its last piece
    for piece in _PIECE.finditer(pattern):
        counted = piece[1]
        if counted is not None:
            times = max(int(counted), int(piece[2] or 0), 1)
            groups[-1] = [groups[-1][0] + groups[-1][1] * (times - 1), groups[-1][1] * times]
        elif piece[0] == "(":
            groups.append([0, 0])
        elif piece[0] == ")" and len(groups) > 1:
            _add(groups, groups.pop()[0] + 2)
        else:
            _add(groups, 1)
    return 1 + sum(size for size, _ in groups)


def _add(groups: list[list[int]], size: int) -> None:
    groups[-1] = [groups[-1][0] + size, size]
