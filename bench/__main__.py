"""Runs the benchmarks, each in a process of its own: `python -m bench [NAME …]`, all of them without a name."""

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    known = benchmarks()
    if unknown := [name for name in wanted if name not in known]:
        listed = "\n".join(f"  {name:20} {what}" for name, what in known.items())
        print(f"There is no benchmark '{unknown[0]}'. There are:\n{listed}", file=sys.stderr)
        return 2
    return max((run(name) for name in wanted or known), default=0)


def benchmarks() -> dict[str, str]:
    """Every module here that can be run, with the first line of its docstring."""
    texts = {path.stem: path.read_text() for path in sorted(HERE.glob("*.py")) if path != Path(__file__)}
    runnable = {name: text for name, text in texts.items() if '__name__ == "__main__"' in text}
    return {name: (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0] for name, text in runnable.items()}


def run(name: str) -> int:
    print(f"== bench.{name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
