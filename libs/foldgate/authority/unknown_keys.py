"""What to say of keys that nobody knows, in documents whose models lie one in another."""

from collections.abc import Iterator
from typing import Any, get_args

from foldgate.language.findings import Findings, Path
from foldgate.language.models import Model
from foldgate.language.sentences import Unknown


def unknown_in(document: type[Model]) -> Unknown:
    """The sentence about a key that no model of this document has where it stands."""

    def unknown(found: Findings, path: Path) -> str:
        key, model = str(path[-1]), document
        for part in path[:-1]:
            if isinstance(part, str):
                model, *_ = _models(model.model_fields[part].annotation)
        return f"Expected a known key, but got '{key[:80]}'{found.guess(key, model.model_fields)}"

    return unknown


def _models(annotation: Any) -> Iterator[Any]:
    """The models in the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
