"""The step types, each in its own file. A new one is a module with these four functions, and a line here."""

from foldgate.engine.runs.turn import Kind
from foldgate.engine.steps import (
    approval,
    condition,
    delay,
    for_each,
    job,
    loop,
    notify,
    parallel,
    storage,
    subworkflow,
    switch,
    transform,
    wait,
)
from foldgate.engine.steps import input as input_

KINDS: dict[str, Kind] = {
    "job": job,
    "approval": approval,
    "input": input_,
    "wait": wait,
    "delay": delay,
    "condition": condition,
    "switch": switch,
    "parallel": parallel,
    "loop": loop,
    "for_each": for_each,
    "transform": transform,
    "storage": storage,
    "notify": notify,
    "subworkflow": subworkflow,
}
"""How the steps of each type behave; `for_each` is how the items of any type do together."""
