"""The compose file and the image: read as Docker would, and held against the services, their settings and the lock."""

import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml

from foldgate.cli.plan import installed
from foldgate.contracts.access import SERVICES
from foldgate.runtime.settings import Settings, from_environment
from foldgate.servers.kafka_artifacts import VERSION

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "support" / "schemas" / "compose.json"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
_VARIABLE = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")
_PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def environment_of(name: str) -> dict[str, str]:
    """What a container is started with, where the variables have values."""
    return {key: _VARIABLE.sub("0123456789", value) for key, value in service(name)["environment"].items()}


def test_it_is_a_compose_file() -> None:
    schema = msgspec.json.decode(SCHEMA.read_bytes())
    jsonschema_rs.validator_for(schema).validate(COMPOSE)


def test_it_runs_the_five_services_and_what_they_need() -> None:
    assert set(COMPOSE["services"]) == {*SERVICES, "worker", "keys", "kafka", "postgres"}
    for name, point in installed().items():
        module = point.value.partition(":")[0]
        assert service(name)["command"] == ["python", "-m", module]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_has_settings_that_are_good(name: str) -> None:
    settings = from_environment(environment_of(name))
    port = Settings.model_fields["http_port"].default
    assert settings.kafka == "kafka:9092"
    assert f":{port}/readyz" in service(name)["healthcheck"]["test"][-1]
    assert settings.keys == "/keys/suite"
    assert (settings.postgres is not None) == (name == "gateway")
    assert set(service(name)["depends_on"]) == {"kafka", "keys", *(["postgres"] if name == "gateway" else [])}


def test_only_the_gateway_is_reached_from_outside_and_from_this_machine_alone() -> None:
    reached = {name: service(name)["ports"] for name in COMPOSE["services"] if "ports" in service(name)}
    assert reached == {"gateway": ["127.0.0.1:8081:8081"]}
    assert from_environment(environment_of("gateway")).api_key is not None


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.search(r"(PASSWORD|API_KEY): ", line):
            assert _VARIABLE.search(line), line


def test_the_broker_is_the_one_that_is_tested_and_lets_members_be_as_short_lived_as_ours() -> None:
    broker = service("kafka")
    assert broker["image"] == f"apache/kafka:{VERSION}"
    least = int(broker["environment"]["KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS"])
    assert least <= from_environment(environment_of("scheduler")).session_timeout_ms
    assert broker["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert broker["environment"]["KAFKA_LOG_DIRS"] in broker["volumes"][0]


def test_what_is_to_last_is_on_volumes_that_are_named() -> None:
    used = {volume.split(":")[0] for one in COMPOSE["services"].values() for volume in one.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_image_is_made_of_what_is_there_and_runs_as_nobody_special() -> None:
    for line in DOCKERFILE.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert all((ROOT / source).exists() for source in sources), line
    assert re.search(r"^USER foldgate$", DOCKERFILE, re.MULTILINE)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    versions = {tuple(map(int, found)) for found in re.findall(r"^FROM python:(\d+)\.(\d+)", DOCKERFILE, re.MULTILINE)}
    assert len(versions) == 1
    assert versions.pop() >= tuple(map(int, wanted.removeprefix(">=").split(".")))


def test_everything_that_is_copied_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}


def test_the_image_has_the_versions_that_are_tested() -> None:
    image = dict(_PINNED.findall((ROOT / "deploy" / "requirements.lock").read_text()))
    tested = dict(_PINNED.findall((ROOT / "requirements.lock").read_text()))
    assert {name: tested.get(name) for name in image} == image
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[\[<>=]", one)[0] for one in project["dependencies"]}
    assert needed <= set(image)
    assert "pytest" not in image
