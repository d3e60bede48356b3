"""How a Kafka cluster is spoken to: settings that make no sense together, and what is let do what."""

import asyncio
from pathlib import Path

import pytest

from foldgate.cli.kafka_preparing import acls_document, allow_all, make_topics, named, topics_document
from foldgate.cli.mistakes import AskedWrongly
from foldgate.contracts.topics import STREAMS
from foldgate.runtime.brokers import address_of
from foldgate.runtime.settings import Settings, SettingsInvalid, from_environment
from foldgate.servers.kafka_settings import Address, node_settings

WHERE = {"FOLDGATE_KAFKA": "broker:9092"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SECURITY": "SASL_SSL"}, "FOLDGATE_KAFKA_USERNAME"),
        ({"SECURITY": "SASL_SSL", "USERNAME": "engine"}, "FOLDGATE_KAFKA_PASSWORD"),
        ({"USERNAME": "engine", "PASSWORD": "secret"}, "only if, FOLDGATE_KAFKA_SECURITY is SASL_PLAINTEXT"),
        ({"SECURITY": "SSL", "CERTIFICATE": "/a.pem"}, "FOLDGATE_KAFKA_KEY together"),
        ({"CA": "/a.pem"}, "set FOLDGATE_KAFKA_SECURITY to SSL or SASL_SSL"),
        ({"SECURITY": "TLS"}, "FOLDGATE_KAFKA_SECURITY=TLS"),
        ({"SASL": "GSSAPI"}, "FOLDGATE_KAFKA_SASL=GSSAPI"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said) as refused:
        from_environment({**WHERE, **{f"FOLDGATE_KAFKA_{name}": value for name, value in given.items()}})
    assert "secret" not in str(refused.value)


def test_without_more_the_line_is_open() -> None:
    address = address_of(from_environment(WHERE))
    assert (address.security_protocol, address.ssl_context, address.sasl_username) == ("PLAINTEXT", None, None)


def test_every_stream_has_a_topic_and_an_owner_who_may_write_there() -> None:
    topics, allowed = topics_document("s"), acls_document("s", names=named([], pools=["default"]))
    for stream in STREAMS:
        if stream.name.endswith(".*"):
            continue
        assert topics[f"s.{stream.name}"]["partitions"] == stream.partitions
        writing = {
            who
            for who, acls in allowed.items()
            for acl in acls
            if acl["resource"] == "topic" and acl["name"] == f"s.{stream.name}" and "write" in acl["operations"]
        }
        assert writing == {f"User:s-{who}" for who in ([stream.owner] if stream.owner else stream.writers)}


def test_workers_are_let_at_their_own_pool_alone() -> None:
    allowed = acls_document("s", names=named([], pools=["default", "gpu"]))
    names = {acl["name"] for acl in allowed["User:s-worker-gpu"]}
    assert names == {"s.", "s.dispatch.gpu", "s.reports", "s.workers"}


def test_two_that_share_a_name_may_do_what_either_may() -> None:
    names = named(["engine=User:one", "approval=User:one"], pools=["default"])
    both = {acl["name"] for acl in acls_document("s", names=names)["User:one"]}
    assert {"s.runs", "s.approvals", "s.engine", "s.approval"} <= both


@pytest.mark.parametrize("wrong", ["engine", "engine=CN=x", "nobody=User:x", "worker.other=User:x"])
def test_a_principal_that_is_nobodys_is_refused(wrong: str) -> None:
    with pytest.raises(AskedWrongly, match="Expected --principal WHO=User:NAME"):
        named([wrong], pools=["default"])


def test_a_pool_that_is_none_is_refused() -> None:
    with pytest.raises(AskedWrongly, match="Expected the name of a pool"):
        named([], pools=["a b"])


def test_a_log_in_postgresql_has_neither() -> None:
    settings = Settings.model_validate({"postgres": "postgresql://unused"})
    for work in (make_topics(settings, suite=None), allow_all(settings, suite=None, names={})):
        with pytest.raises(AskedWrongly, match="is in PostgreSQL"):
            asyncio.run(work)


def test_clients_of_a_listener_behind_a_proxy_are_told_the_address_of_the_proxy() -> None:
    me = Address(1, 9092, 9093)
    made = node_settings(me, [me], data=Path("data"), also=["SSL://127.0.0.1:1", "WAY://127.0.0.1:2->127.0.0.1:3"])
    usual = "PLAINTEXT://127.0.0.1:9092,SSL://127.0.0.1:1"
    assert made["listeners"] == f"{usual},WAY://127.0.0.1:2,CONTROLLER://127.0.0.1:9093"
    assert made["advertised.listeners"] == f"{usual},WAY://127.0.0.1:3"
