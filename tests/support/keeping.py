"""A state as a checkpoint gives it back."""

from typing import Any

import msgspec

from foldgate.decider.decider import Decider
from foldgate.decider.stamp import Held
from foldgate.runtime.saving import decoded_from_pieces, encoded_in_pieces


def kept_again(decider: Decider[Any], state: Any) -> Any:
    """Encoded and decoded."""
    if decider.keeping is None:
        return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=decider.state)
    held = Held(state=state, sequence=1, clock=1, at=1, chain=b"", run_id="", pool="", tenant="", correlation="")
    return decoded_from_pieces(encoded_in_pieces(held, decider.keeping), decider, decider.keeping).state
