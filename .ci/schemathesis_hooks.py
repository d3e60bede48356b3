"""What schemathesis is kept from sending, because no schema can say it: `schemathesis.py` names this to it.

It is loaded by the tool, in the tool's own environment.
"""

from typing import Any

import schemathesis


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """No number such as `1e300`. It is taken where it is written so, and refused where all its digits are; a schema
    does not see which, and whoever reads it there calls it a whole number."""
    del context
    return not any(isinstance(one, float) and not -(2.0**63) <= one < 2.0**64 for one in _inside(body))


def _inside(value: Any) -> list[Any]:
    """Whatever is in it, however deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(found for one in inner for found in _inside(one))]
