"""References to secrets in a job's input: the worker puts the secret in its place, and takes it out of what is said.

An input carries `secret://env/NAME`, and never the secret: so it is on no log. The handler finds the secret there. In
its output, its messages and its errors the reference stands again in place of the secret.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from foldgate.authority.globs import glob
from foldgate.runtime.settings import PREFIX, variable
from foldgate.sdk.errors import Retryable

SCHEME = "secret://"
SHORTEST = 4
"""What is shorter is not taken out: it stands in every text by chance."""


class Resolver(Protocol):
    """Knows secrets. May be asked in any thread, and may take its time."""

    def __call__(self, reference: str) -> str:
        """The secret of `secret://…`. Raises a JobError where there is none."""


class Environment:
    """Secrets in the environment of the worker, `secret://env/NAME`: those whose names match `allowed`. What is meant
    for Foldgate itself is none of them."""

    def __init__(self, allowed: Iterable[str] = ("*",)) -> None:
        self._allowed = [glob(pattern) for pattern in allowed]

    def __call__(self, reference: str) -> str:
        place, _, name = reference.removeprefix(SCHEME).partition("/")
        known = place == "env" and not name.startswith(PREFIX) and any(is_one(name) for is_one in self._allowed)
        value = variable(name) if known else None
        if value is None:
            raise Retryable("secret_missing", f"Expected the secret {reference[:200]} here, but this worker has none.")
        return value


class Secrets:
    """The secrets that one job was given."""

    def __init__(self) -> None:
        self._references: dict[str, str] = {}

    def put_into(self, value: Any, resolver: Resolver) -> Any:
        """The JSON-like value with secrets in the place of references."""
        return replaced(value, is_reference, lambda reference: self._found(reference, resolver))

    def hide(self, text: str) -> str:
        """The text without them, also where they are spelt as in JSON."""
        for secret, reference in self._references.items():
            text = text.replace(secret, reference)
        return text

    def hide_in(self, data: bytes) -> bytes:
        """The bytes without them."""
        for secret, reference in self._references.items():
            data = data.replace(secret.encode(errors="surrogatepass"), reference.encode())
        return data

    def _found(self, reference: str, resolver: Resolver) -> str:
        secret = resolver(reference)
        for spelt in (secret, msgspec.json.encode(secret).decode()[1:-1]):
            if len(spelt) >= SHORTEST:
                self._references[spelt] = reference
        self._references = dict(sorted(self._references.items(), key=lambda known: -len(known[0])))
        return secret


def is_reference(value: Any) -> bool:
    """Whether this stands for a secret."""
    return isinstance(value, str) and value.startswith(SCHEME)


def replaced(value: Any, is_meant: Callable[[Any], bool], by: Callable[[Any], Any]) -> Any:
    """The JSON-like value with something else in each place that is meant."""
    if is_meant(value):
        return by(value)
    if isinstance(value, dict):
        return {name: replaced(one, is_meant, by) for name, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, is_meant, by) for one in value]
    return value
