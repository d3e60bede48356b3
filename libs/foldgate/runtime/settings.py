"""Settings: from the environment, units in the names, all mistakes reported at once."""

import difflib
import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

PREFIX = "FOLDGATE_"
_CREDENTIALS = re.compile(r"//[^/\s]*@")
_SECRET = ("api_key", "kafka_password")
_SHORTEST_KEY = 8
_OTHERS = frozenset(
    {
        "FOLDGATE_TEST_KAFKA",
        "FOLDGATE_TEST_REGISTRY",
        "FOLDGATE_REQUIRE_KAFKA",
        "FOLDGATE_REQUIRE_POSTGRES",
        "FOLDGATE_THOROUGH",
        "FOLDGATE_CACHE",
        "FOLDGATE_DATA",
        "FOLDGATE_URL",
    }
)
"""Read elsewhere: by tests, by the servers that `foldgate up` starts, by the command line, and by workers over HTTP."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Milliseconds = Annotated[int, Field(ge=1)]


class SettingsInvalid(Exception):
    """The environment does not make valid settings; the text has a line for each mistake."""


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Settings(BaseModel):
    """What every service can be told. `FOLDGATE_` and the upper-case name is the environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: Name = Field("foldgate", description="Name of the suite: prefix of its topics, name of its schema.")
    instance: str = Field(default_factory=_instance, description="This process among the replicas of its service.")
    kafka: str | None = Field(
        None, description="HOST:PORT[,HOST:PORT] of the brokers; unset: the log is in PostgreSQL."
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the brokers are spoken to."
    )
    kafka_ca: str | None = Field(
        None, description="PEM file of who vouches for the brokers' certificates; unset: whom this system trusts."
    )
    kafka_certificate: str | None = Field(None, description="PEM file of our own certificate, for brokers that ask.")
    kafka_key: str | None = Field(None, description="PEM file of its key.")
    kafka_sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How our name is shown to be ours."
    )
    kafka_username: str | None = Field(None, description="Our name at the brokers.")
    kafka_password: str | None = Field(None, description="The password of that name.")
    postgres: str | None = Field(None, description="postgresql://… of the log (without Kafka) and of the read models.")
    schema_registry: str | None = Field(None, description="http(s)://… of a Confluent-compatible registry.")
    http_host: str = Field("127.0.0.1", description="Where health, metrics and the gateway's API are served.")
    http_port: Annotated[int, Field(ge=0, le=65535)] = Field(8081, description="0 takes any free port.")
    api_key: str | None = Field(
        None, description="A key that may do everything, to begin with; other keys: `foldgate api-keys`."
    )
    authentication: Literal["auto", "required"] = Field(
        "auto",
        description="Whether requests need a key or a token: auto: if there is an API key or an issuer. Beyond loopback"
        " they always do.",
    )
    oidc_issuer: str | None = Field(None, description="Whose bearer tokens are good: their `iss`.")
    oidc_audience: str | None = Field(None, description="What their `aud` must be, or hold.")
    oidc_jwks: str | None = Field(None, description="The issuer's keys, a JWK Set: https://…, or the path of a file.")
    oidc_principal_claim: Annotated[str, Field(min_length=1)] = Field(
        "sub", description="The claim that says who somebody is."
    )
    oidc_roles_claim: Annotated[str, Field(min_length=1)] = Field(
        "roles", description="The claim with somebody's roles; `a.b` for one within another."
    )
    oidc_tenants_claim: Annotated[str, Field(min_length=1)] = Field(
        "tenants", description="The claim with somebody's tenants; `*` for all."
    )
    requests_per_second: Annotated[int, Field(ge=0)] = Field(
        2_000, description="How often each key may ask one gateway; twice as much at once; 0: as often as it likes."
    )
    max_in_flight: Annotated[int, Field(ge=1)] = Field(
        2_000, description="How many requests to the log one gateway may have under way; what is more is told to wait."
    )
    max_connections: Annotated[int, Field(ge=1)] = Field(
        8_192, description="How many connections a service serves at once, at most; fewer if it may have fewer files."
    )
    keys: str | None = Field(None, description="Folder of keys, made by `foldgate keys init`; `foldgate up` has one.")
    root_keys: str | None = Field(
        None, description="Root keys that are trusted, hexadecimal; unset: those in `root.pub` of the folder of keys."
    )
    artifacts: str | None = Field(
        None,
        description="Where payloads over 256 KiB lie: postgresql://…, or the path of a folder; unset: in the database.",
    )
    artifact_max_bytes: Annotated[int, Field(ge=1, le=512 * 1024 * 1024)] = Field(
        64 * 1024 * 1024, description="How large one of them may be."
    )
    artifact_idle_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        30,
        description="How long an unnamed one is kept that nobody puts or fetches (`foldgate artifacts sweep`).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"
    default_decision: Literal["allow", "deny"] = Field(
        "deny", description="What the policy kernel says without a rule."
    )
    require_signed_bundles: bool = Field(False, description="Whether policy bundles must be signed by their author.")
    unsigned_votes: Literal["allow", "refuse"] = Field(
        "refuse", description="Whether votes count that no trusted issuer has signed."
    )
    unsigned_requests: Literal["allow", "refuse"] = Field(
        "refuse", description="Whether runs and workflows are asked for without a trusted issuer's signature."
    )
    redaction: Literal["none", "low", "high"] = Field(
        "low", description="Which secrets are taken out of what runs carry: low: known shapes; high: likely ones too."
    )
    lease_ms: Annotated[int, Field(ge=2_000)] = Field(
        12_000, description="How long a worker keeps a job after its last beat; below 2 s, a busy machine loses jobs."
    )
    writ_ttl_ms: Annotated[int, Field(ge=120_000)] = Field(
        300_000,
        description="How long a writ may wait for its dispatch; at least two minutes, as clocks may differ by one.",
    )
    max_lost: Annotated[int, Field(ge=0, le=100)] = Field(3, description="How often a job may be lost with its worker.")
    cancel_grace_ms: Milliseconds = Field(30_000, description="How long a job that is called back may take to end.")
    wait_noted_after_ms: Milliseconds = Field(60_000, description="After how long a wait is noted on the log.")
    max_events: Annotated[int, Field(ge=100)] = Field(50_000, description="How many events a run may have.")
    checkpoint_every_ms: Milliseconds = Field(10_000, description="How often folded state is saved.")
    positions_every_ms: Milliseconds = Field(1_000, description="How often input positions alone are appended.")
    closed_window_ms: Milliseconds = Field(7 * 86_400_000, description="How long ended runs' keys are remembered.")
    retry_within_ms: Milliseconds = Field(30_000, description="How long a lost broker or database is waited for.")
    drain_within_ms: Milliseconds = Field(8_000, description="How long SIGTERM waits for appends under way.")
    session_timeout_ms: Annotated[int, Field(ge=1_000)] = Field(
        6_000,
        description="After how long in silence a process leaves Kafka's groups; brokers allow no less than 6 s by"
        " default (group.min.session.timeout.ms).",
    )
    fence_max_age_ms: Milliseconds = Field(12 * 3_600_000, description="An owner claims anew when its fence is older.")

    @field_validator("kafka")
    @classmethod
    def _brokers(cls, value: str | None) -> str | None:
        for broker in (value or "").split(",") if value is not None else ():
            host, colon, port = broker.strip().rpartition(":")
            if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
                raise ValueError(f"expected HOST:PORT[,HOST:PORT], such as localhost:9092, but '{broker}' is not")
        return value

    @field_validator("postgres")
    @classmethod
    def _database(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("expected a URL such as postgresql://user@host:5432/foldgate")
        return value

    @field_validator("artifacts")
    @classmethod
    def _store(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://", "/")):
            raise ValueError("expected postgresql://user@host:5432/foldgate, or a path that begins with /")
        return value

    @field_validator("oidc_jwks")
    @classmethod
    def _jwks(cls, value: str | None) -> str | None:
        if value is not None and not _may_hold_keys(value):
            raise ValueError("expected https://… (http://… only on this machine), or a path that begins with /")
        return value

    @field_validator("api_key")
    @classmethod
    def _some_key(cls, value: str | None) -> str | None:
        if value is not None and len(value) < _SHORTEST_KEY:
            raise ValueError(f"expected at least {_SHORTEST_KEY} characters, because it may do everything")
        return value

    @field_validator("schema_registry")
    @classmethod
    def _registry(cls, value: str | None) -> str | None:
        if value is not None:
            from foldgate.contracts.registry import is_registry_url

            if not is_registry_url(value):
                raise ValueError("expected a URL such as http://user:password@localhost:8081")
        return value

    @model_validator(mode="after")
    def _known_to_brokers(self) -> "Settings":
        named, secret = self.kafka_username is not None, self.kafka_password is not None
        if self.kafka_security.startswith("SASL") != (named or secret) or named != secret:
            raise ValueError(
                "set FOLDGATE_KAFKA_USERNAME and FOLDGATE_KAFKA_PASSWORD if, and only if, FOLDGATE_KAFKA_SECURITY is"
                " SASL_PLAINTEXT or SASL_SSL"
            )
        if (self.kafka_certificate is None) != (self.kafka_key is None):
            raise ValueError("set FOLDGATE_KAFKA_CERTIFICATE and FOLDGATE_KAFKA_KEY together, or neither of them")
        if not self.kafka_security.endswith("SSL") and (self.kafka_ca or self.kafka_certificate):
            raise ValueError("set FOLDGATE_KAFKA_SECURITY to SSL or SASL_SSL, or give no certificates")
        return self

    @model_validator(mode="after")
    def _somewhere(self) -> "Settings":
        if self.kafka is None and self.postgres is None:
            raise ValueError("set FOLDGATE_POSTGRES (a log in PostgreSQL) or FOLDGATE_KAFKA, or run `foldgate up`")
        return self

    @model_validator(mode="after")
    def _authenticated(self) -> "Settings":
        if len({part is None for part in (self.oidc_issuer, self.oidc_audience, self.oidc_jwks)}) > 1:
            raise ValueError("set FOLDGATE_OIDC_ISSUER, FOLDGATE_OIDC_AUDIENCE and FOLDGATE_OIDC_JWKS, or none of them")
        if not (is_loopback(self.http_host) or self.authenticates):
            raise ValueError(
                f"set FOLDGATE_API_KEY or FOLDGATE_OIDC_ISSUER to serve on {self.http_host}, or FOLDGATE_AUTHENTICATION"
                "=required if you have made keys with `foldgate api-keys`: without a key only loopback is served"
            )
        return self

    @property
    def authenticates(self) -> bool:
        """Whether requests need a key or a token."""
        return self.authentication == "required" or self.api_key is not None or self.oidc_issuer is not None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is served there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _may_hold_keys(where: str) -> bool:
    """Whether nobody on the way to there could put in keys of his own."""
    url = urlsplit(where)
    if url.scheme == "http":
        return is_loopback(url.hostname or "")
    return bool(url.hostname) if url.scheme == "https" else where.startswith("/")


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that the environment makes; every mistake is named at once."""
    found = given(environment)
    mistakes = [_unknown(name) for name in found if _field(name) not in Settings.model_fields]
    known = {_field(name): value for name, value in found.items() if _field(name) in Settings.model_fields}
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        mistakes += [_mistake(detail["loc"], detail["msg"], detail.get("input")) for detail in error.errors()]
        raise SettingsInvalid("\n".join(mistakes)) from None
    if mistakes:
        raise SettingsInvalid("\n".join(mistakes))
    return settings


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make these settings in another process; the instance is that process's own."""
    values = settings.model_dump(exclude={"instance"}, exclude_none=True, exclude_defaults=True)
    return {PREFIX + name.upper(): str(value) for name, value in values.items()}


def given(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of an environment, or of this process's, that are meant as settings."""
    environment = os.environ if environment is None else environment
    return {name: value for name, value in environment.items() if name.startswith(PREFIX) and name not in _OTHERS}


def variable(name: str) -> str | None:
    """One variable of this process's environment; None if it is not set or empty."""
    return os.environ.get(name) or None


def environment_with(values: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process, with these settings in place of those it has: for a child process."""
    replaced = given()
    return {**{name: value for name, value in os.environ.items() if name not in replaced}, **values}


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(_field(name), Settings.model_fields, n=1, cutoff=0.5)
    hint = f": did you mean {PREFIX}{near[0].upper()}?" if near else ": see the README for those there are."
    return f"{name}: not a setting{hint}"


def _mistake(where: tuple[int | str, ...], what: str, found: object) -> str:
    what = what.removeprefix("Value error, ")
    if not where:
        return f"Settings: {what}."
    shown = "***" if where[0] in _SECRET else _CREDENTIALS.sub("//***@", str(found))
    return f"{PREFIX}{str(where[0]).upper()}={shown}: {what[0].lower() + what[1:]}."
