"""A copy of what the generator needs and writes, in a folder of a test's own, to doctor and generate in."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = ("schemas", "libs/foldgate/contracts", "docs/generated")


class Checkout:
    """The schemas, the contracts and the generated pages, as they are now, below another root; `more` folders too."""

    def __init__(self, root: Path, *more: str) -> None:
        self.root = root
        for folder in (*COPIED, *more):
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))

    def python(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run Python with this copy's contracts in the place of the installed ones."""
        environment = {**os.environ, "PYTHONPATH": f"{self.root / 'libs'}:{self.root}", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *words]
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def generate(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.python("-m", "foldgate.contracts.generate", *arguments)

    def edit(self, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change a schema."""
        path = self.root / "schemas" / f"{name}.avsc"
        schema = json.loads(path.read_text())
        change(schema)
        path.write_text(json.dumps(schema))

    def place(self, name: str, *, stream: str | None) -> None:
        """Move an event to a stream, or out of all."""
        path = self.root / "libs" / "foldgate" / "contracts" / "topics.py"
        text = path.read_text().replace(f'"{name}", ', "").replace(f'"{name}",', "")
        if stream is not None:
            start = text.index("events=(", text.index(f'name="{stream}"')) + len("events=(")
            text = f'{text[:start]}"{name}", {text[start:]}'
        path.write_text(text)

    def editions(self) -> dict[str, list[dict[str, Any]]]:
        known: dict[str, list[dict[str, Any]]] = json.loads(
            (self.root / "libs" / "foldgate" / "contracts" / "editions.json").read_text()
        )
        return known
