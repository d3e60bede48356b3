"""The page on concepts: its blocks run, in order, and what they assert is so."""

import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_blocks_of_the_page_run() -> None:
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/concepts.md", "exec"), names)  # noqa: S102 - the page is ours
    assert [block.count("assert ") for block in BLOCKS] == [4, 1]
