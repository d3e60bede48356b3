"""What can be wrong with an expression: when it is read, and when it is evaluated."""

Path = tuple[str | int, ...]


class ExpressionInvalid(Exception):
    """An expression cannot be compiled. `line` and `column` count from 1 within the expression's text, which begins
    at `start` of its string; `path` leads from the template to that string."""

    def __init__(self, message: str, *, code: str = "expression_invalid", line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.start = 0
        self.place = ""
        self.path: Path = ()

    def at(self, place: str, path: Path, start: int) -> "ExpressionInvalid":
        """The same, knowing where the expression stands."""
        self.place, self.path, self.start = place, path, start
        return self


class ExpressionFailed(Exception):
    """An expression has no value for what it was given."""

    def __init__(self, message: str, *, code: str = "expression_failed") -> None:
        super().__init__(message[:500])
        self.code = code
