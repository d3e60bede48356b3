"""The codes that sources can give: what stands where this code base puts a code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_CODE = re.compile(r"[a-z]+(_[a-z]+)*")
_ARGUMENT = {
    "Unfit": 0,
    "SetAside": 0,
    "stop": 0,
    "problem": 0,
    "PydanticCustomError": 0,
    "Ending": 1,
    "fail": 1,
    "skip": 1,
    "time_out": 1,
    "_refuse": 2,
}
"""Which argument of a call is a code."""
_NAMES = {"code", "reason"}
"""Variables that hold one, beside whole sentences."""
_FINDERS = {"_code", "_kind", "_skipped_with"}
"""Functions that give one, as it is or first of all."""


def codes_in(folder: Path) -> set[str]:
    """Every code that the modules of a folder name."""
    return {code for path in folder.rglob("*.py") for code in _codes(ast.parse(path.read_text()))}


def _codes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                yield from _of_call(node)
            case ast.Assign(targets=[ast.Name(name)], value=value) if name in _NAMES:
                yield from _texts(value)
            case ast.FunctionDef():
                yield from _of_function(node)
            case _:
                pass


def _of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    yield from (code for word in call.keywords if word.arg == "code" for code in _texts(word.value))
    if name in _ARGUMENT:
        yield from (code for value in call.args[_ARGUMENT[name] :][:1] for code in _texts(value))
    elif name == "add":  # of what was found in a document: the place comes before the code, or nothing does
        yield from (code for value in call.args for code in _texts(value))


def _of_function(function: ast.FunctionDef) -> Iterator[str]:
    """What a parameter `code` is by default, and what a function says that only finds a code."""
    arguments = function.args
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if argument.arg == "code" and default is not None:
            yield from _texts(default)
    for node in ast.walk(function) if function.name in _FINDERS else ():
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _texts(node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
        yield node.value
