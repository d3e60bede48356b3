"""How heavy a regular expression is: RE2 needs at worst so many steps for each byte that it looks at."""

import re

from cel_expr_python import cel

_TRIAL = cel.NewEnv(variables={"pattern": cel.Type.STRING}).compile("''.matches(pattern)")
MAX_WEIGHT = 10_000
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+),?(\d*)\}|.", re.DOTALL)


def objection(pattern: str) -> str:
    """What is wrong with a pattern, so that no search for it can come to anything; empty if nothing is."""
    if weight(pattern) > MAX_WEIGHT:
        return "its repetitions are too many: each is written out"
    value = _TRIAL.eval(data={"pattern": pattern})
    return str(value.plain_value()).rpartition("expression: ")[2][:200] if value.type() == cel.Type.ERROR else ""


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
