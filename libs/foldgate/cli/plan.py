"""What `foldgate up` is asked to run: settings, servers and services, settled before anything is started."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from foldgate.cli.finding import LOCAL
from foldgate.cli.mistakes import AskedWrongly, CannotGoOn
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings, SettingsInvalid, from_environment, given

SERVICES = "foldgate.services"
_TO_BE_STARTED = "postgresql://"
"""Stands for the address of a server of our own until that runs."""

DEFAULTS = {
    # All of it, the servers included, is to be gone ten seconds after it was asked to stop.
    "FOLDGATE_DRAIN_WITHIN_MS": "5000",
}


class NothingInstalled(CannotGoOn):
    """There are no services to run."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One suite, to be started in `data`. `settings.postgres` stands for nothing yet where `own_postgres` is set."""

    data: Path
    settings: Settings
    own_postgres: bool
    own_kafka: bool
    processes: bool
    services: Mapping[str, EntryPoint]

    @property
    def logs(self) -> Path:
        """Where the services' logs go."""
        return self.data / "logs"

    def log_of(self, name: str) -> Path:
        """The log of one process; what was there is set aside."""
        self.logs.mkdir(exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log


def planned(*, data: Path, kafka: str | None, postgres: str | None, port: int | None, processes: bool) -> Plan:
    """The plan that the options and the environment make; every mistake is named at once."""
    options = {"FOLDGATE_KAFKA": kafka, "FOLDGATE_POSTGRES": postgres, "FOLDGATE_HTTP_PORT": port}
    chosen = {**DEFAULTS, **given(), **{name: str(value) for name, value in options.items() if value is not None}}
    own_kafka = chosen.get("FOLDGATE_KAFKA") == LOCAL
    if own_kafka:
        del chosen["FOLDGATE_KAFKA"]
        chosen.setdefault("FOLDGATE_SESSION_TIMEOUT_MS", "3000")  # which a broker of our own lets be
    own_postgres = "FOLDGATE_POSTGRES" not in chosen
    return Plan(
        data=data,
        settings=_settings({"FOLDGATE_POSTGRES": _TO_BE_STARTED, **chosen}, options),
        own_postgres=own_postgres,
        own_kafka=own_kafka,
        processes=processes,
        services=installed(),
    )


def installed() -> Mapping[str, EntryPoint]:
    """The services of this installation."""
    found = {point.name: point for point in sorted(entry_points(group=SERVICES))}
    if not found:
        raise NothingInstalled(
            f"Expected services under the entry points '{SERVICES}', but none are installed: run `pip install` on the"
            " distribution, not just on some of its folders."
        )
    return found


def services() -> Iterator[Service]:
    """What they are."""
    for point in installed().values():
        yield point.load()


def _settings(environment: Mapping[str, str], options: Mapping[str, object]) -> Settings:
    """Mistakes are named as they were made: as options, or as variables."""
    try:
        return from_environment(environment)
    except SettingsInvalid as error:
        text = str(error)
        for name, option in _OPTIONS.items():
            if options[name] is not None:
                text = text.replace(f"{name}=", f"{option} ")
        raise AskedWrongly(text) from None


_OPTIONS = {"FOLDGATE_KAFKA": "--kafka", "FOLDGATE_POSTGRES": "--postgres", "FOLDGATE_HTTP_PORT": "--port"}
