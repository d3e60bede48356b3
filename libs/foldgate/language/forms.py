"""The kinds of value that documents are made of: names, durations, lists of steps, expressions."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from foldgate.language.durations import TimeInvalid, instant, milliseconds


def _as_milliseconds(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("duration_invalid", "Expected a duration such as 500ms or 5s, with its unit.")
    try:
        return milliseconds(value)
    except TimeInvalid as mistake:
        raise PydanticCustomError("duration_invalid", "{said}", {"said": str(mistake)}) from None


def spelled(length: int) -> str:
    """The one spelling of a duration."""
    return f"{length}ms"


def _as_delay(value: object) -> object:
    """A duration, brought to its one spelling, or a template that will give one."""
    return value if is_template(value) else spelled(milliseconds_of(value))


def milliseconds_of(value: object) -> int:
    """A duration in a document, as milliseconds."""
    found = _as_milliseconds(value)
    assert isinstance(found, int)
    return found


def _as_instant(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("time_invalid", "Expected a time such as 2026-01-31T12:00:00Z.")
    if not is_template(value):
        try:
            instant(value)
        except TimeInvalid as mistake:
            raise PydanticCustomError("time_invalid", "{said}", {"said": str(mistake)}) from None
    return value


def is_template(value: object) -> bool:
    """Whether a text has expressions in it."""
    return isinstance(value, str) and "${" in value


_SAY_EXPRESSION = "Expected an expression such as ${input.count > 3}."


def _as_expression(value: object) -> object:
    """CEL, with or without its `${…}`, which the canonical form has."""
    if isinstance(value, bool):
        return "${true}" if value else "${false}"
    if isinstance(value, str) and value.strip():
        return value.strip() if is_template(value) else "${" + value.strip() + "}"
    raise PydanticCustomError("expression_invalid", "{said}", {"said": _SAY_EXPRESSION})


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _matching(pattern: str, said: str) -> AfterValidator:
    """A text that looks like this as a whole."""
    whole = re.compile(pattern)

    def check(text: str) -> str:
        if whole.fullmatch(text):
            return text
        raise PydanticCustomError("name_invalid", "Expected {said}.", {"said": said})

    return AfterValidator(check)


def _literal(text: str) -> str:
    """A text that is not evaluated, so nobody shall think that it is."""
    if is_template(text):
        raise PydanticCustomError("name_invalid", "Expected a text without expressions: it is not evaluated here.")
    return text


def _as_schema(value: object) -> object:
    if isinstance(value, dict | bool):
        return value
    raise PydanticCustomError("schema_invalid", "Expected a JSON Schema: a map, or true or false.")


def _as_items(value: object) -> object:
    """A list, or an expression that will give one."""
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return _as_expression(value)
    raise PydanticCustomError("expression_invalid", "Expected a list, or an expression that gives one.")


def _one_or_several(value: object, names: ValidatorFunctionWrapHandler) -> object:
    return names([value])[0] if isinstance(value, str) else names(value)


def _each_once(ids: list[str]) -> list[str]:
    twice = sorted({each for each in ids if ids.count(each) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise PydanticCustomError("twice", "Expected each only once, but {said} comes twice.", {"said": twice[0]})
    return ids


def as_set(names: list[Any]) -> list[Any]:
    """In the one order that a list has whose order says nothing."""
    return sorted(_each_once(names))


def _level(value: object) -> object:
    if is_template(value) or value in {"info", "warning", "error"}:
        return value
    raise PydanticCustomError("unknown_value", "Expected info, warning, error or an expression.")


StepId = Annotated[
    str, _matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", "an id of at most 100 letters, digits, _ . and -, no digit first")
]
WorkflowId = Annotated[
    str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", "an id of at most 200 letters, digits, _ . and -")
]
Version = Annotated[
    str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", "a version of at most 100 letters, digits, _ . + and -")
]
Topic = Annotated[
    str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,399}", "a topic of at most 400 letters, digits, _ . and -")
]
Pool = Annotated[
    str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", "a pool of at most 100 letters, digits, _ . and -")
]
Variable = Annotated[
    str, _matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", "a name of at most 100 letters, digits, _ . and -, no digit first")
]
"""A name in the run's ctx."""
Name = Annotated[
    str,
    _matching(r"[^\s\x00-\x1f\x7f]{1,200}", "a name of at most 200 characters without spaces"),
    AfterValidator(_literal),
]
Text = Annotated[str, Field(min_length=1, max_length=500)]
LongText = Annotated[str, Field(max_length=10_000)]
Plain = Annotated[Text, AfterValidator(_literal)]
Labels = Annotated[dict[Name, Annotated[str, Field(max_length=500), AfterValidator(_literal)]], Field(max_length=64)]
Names = Annotated[list[Name], Field(max_length=100), AfterValidator(as_set)]
"""Their order says nothing."""
Ids = Annotated[
    list[StepId], Field(min_length=1, max_length=1000), AfterValidator(_each_once), BeforeValidator(_as_list)
]
"""Their order counts."""
AnyIds = Annotated[list[StepId], Field(max_length=1000), AfterValidator(as_set), BeforeValidator(_as_list)]
"""Their order says nothing."""
VariableNames = Annotated[
    list[Variable], Field(min_length=1, max_length=100), AfterValidator(_each_once), WrapValidator(_one_or_several)
]
"""A list, or one as a text, which it stays."""
Pause = Annotated[int, Field(ge=0), BeforeValidator(_as_milliseconds), PlainSerializer(spelled)]
Duration = Annotated[int, Field(ge=1), BeforeValidator(_as_milliseconds), PlainSerializer(spelled)]
Delay = Annotated[str, BeforeValidator(_as_delay)]
Instant = Annotated[str, BeforeValidator(_as_instant)]
Level = Annotated[str, BeforeValidator(_level)]
Expression = Annotated[str, BeforeValidator(_as_expression)]
Items = Annotated[Any, BeforeValidator(_as_items)]
JsonSchema = Annotated[Any, BeforeValidator(_as_schema)]
Value = Any
"""JSON whose texts may hold `${…}`."""
