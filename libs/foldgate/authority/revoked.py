"""Which keys are trusted no longer, as a table (`foldgate.runtime.tables`): for who looks at nothing else of policy."""

from foldgate.contracts.events import Event, KeyRevoked, Meta
from foldgate.contracts.topics import POLICIES


class Revoked:
    """The table. `keys` holds the ids of the keys, and grows."""

    stream = POLICIES

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def add(self, _: Meta, event: Event, _reached: int = 0, /) -> None:
        """Take in the next event of the stream."""
        if isinstance(event, KeyRevoked):
            self.keys.add(event.key_id)

    def lacks(self, _: Meta, _event: Event, *, reached: int) -> bool:
        """No message names a place of `policies` for the sake of a key."""
        del reached
        return False
