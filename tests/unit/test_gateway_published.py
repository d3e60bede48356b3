"""What a gateway has seen to be published: it holds, whatever older is learnt; and what is not known is not said."""

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, Meta, WorkflowConfirmed, WorkflowPublished, WorkflowRetired
from foldgate.eventlog.log import Record
from foldgate.gateway.http.published import PARTITION, Published

CODEC = Codec()


def record(offset: int, event: Event) -> Record:
    meta = Meta(chain=NO_CHAIN, event_id=f"e{offset}", stream="workflows", key="t/w", tenant="t", principal="p", at=1)
    return Record(PARTITION, offset, b"t/w", CODEC.encode(meta, event))


def a_version(version: str) -> WorkflowPublished:
    return WorkflowPublished(workflow="w", version=version, digest=version * 3, definition="{}", source="")


def seen(*events: Event) -> Published:
    published = Published()
    for offset, event in enumerate(events):
        published.see(record(offset, event), CODEC)
    return published


def test_of_what_nobody_has_seen_nothing_is_said() -> None:
    published = seen()
    assert published.reached == 0
    assert not published.starts("t", "w", "")


def test_what_was_seen_starts_by_its_name_and_its_versions() -> None:
    published = seen(a_version("1"), a_version("2"))
    assert all(published.starts("t", "w", version) for version in ("", "1", "2"))
    assert not any(published.starts(*one) for one in (("t", "w", "3"), ("t", "v", ""), ("u", "w", "")))
    assert published.reached == 2


def test_what_is_retired_starts_nothing_until_it_is_published_again() -> None:
    retired = (a_version("1"), WorkflowRetired(workflow="w"))
    assert not seen(*retired).starts("t", "w", "1")
    assert seen(*retired, a_version("2")).starts("t", "w", "1")


def test_what_is_learnt_is_less_than_what_was_seen() -> None:
    published = seen(a_version("1"), WorkflowRetired(workflow="w"))
    published.learn("t", "w", "1", state="active")
    assert not published.starts("t", "w", "1")
    published.learn("t", "v", "1", state="active")
    assert published.starts("t", "v", "1")
    published.learn("t", "x", "1", state="retired")
    assert not published.starts("t", "x", "1")


def test_nobody_is_to_read_as_far_as_what_says_nothing_new() -> None:
    published = seen(a_version("1"), WorkflowConfirmed(workflow="w", version="1", digest="111"))
    published.see(Record(PARTITION, 7, b"", b""), CODEC)
    assert published.reached == 1
    assert published.starts("t", "w", "1")


def test_what_somebody_was_told_of_stays_to_be_read() -> None:
    published = seen()
    published.is_known(9)
    published.see(record(3, a_version("1")), CODEC)
    assert published.reached == 9
