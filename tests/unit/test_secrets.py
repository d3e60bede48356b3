"""Secrets: known shapes are found wherever they stand, references are none, and no text makes the search slow."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldgate.authority.redaction import redacted_event
from foldgate.authority.request import request_hash
from foldgate.authority.secrets import Level, masked, present, present_in_json, redacted, redacted_json
from foldgate.contracts.events import ContextChanged, Job, JobRequested, JobSucceeded, Rerun, RunRequested, StepStarted
from foldgate.language.secret_shapes import may_hold, spans
from tests.support.planted import ENDS, EVERYTHING, WITHIN, WORD, WORDS

OF_WORDS = [(name, secret) for name, several in WORDS.items() for secret in several]
OF_TEXTS = [(name, before, secret) for name, several in WITHIN.items() for before, secret in several]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=20)
    | st.sampled_from([*EVERYTHING, "secret://vault/db", f"password={WORD}", f"Bearer {'a1' * 20}", "a1B2" * 10]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["password", "token", "note", "Passwords", EVERYTHING[0]]), inner, max_size=3)
    ),
    max_leaves=8,
)
SECRET_WORDS = [secret.encode() for secret in (*(secret for _, secret in OF_WORDS), *(one for *_, one in OF_TEXTS))]
LEVELS: list[Level] = ["none", "low", "high"]
WHOSE: dict[str, Any] = {"tenant": "acme", "principal": "ada", "workflow": "w"}
DEEP = "[" * 50_000 + "]" * 50_000


@pytest.mark.parametrize(("name", "secret"), OF_WORDS)
def test_each_shape_is_found_wherever_it_stands(name: str, secret: str) -> None:
    for text in (secret, f"see {secret} there", f"({secret})", f"first\n{secret}\nlast"):
        assert present(text)
        assert redacted(text, "low") == text.replace(secret, f"[redacted:{name}]")
    assert redacted({secret: [secret, (secret,)]}, "low") == {
        f"[redacted:{name}]": [f"[redacted:{name}]", (f"[redacted:{name}]",)]
    }


@pytest.mark.parametrize("secret", EVERYTHING)
def test_bytes_are_masked_in_their_place(secret: str) -> None:
    around = bytes(range(128, 256)) + b"\x00"
    data = around + secret.encode() + around
    shown = masked(data)
    assert len(shown) == len(data)
    assert (shown[:129], shown[-129:]) == (around, around)
    assert b"*" in shown[129:-129]
    assert not any(word in shown for word in SECRET_WORDS)


@given(st.binary(max_size=200))
def test_bytes_without_a_secret_are_as_they_were(data: bytes) -> None:
    assert masked(data) == data or any(True for _ in spans(data.decode("latin-1")))


@pytest.mark.parametrize(("name", "before", "secret"), OF_TEXTS)
def test_of_a_secret_within_a_text_only_itself_is_taken_out(name: str, before: str, secret: str) -> None:
    after = ENDS[name]
    assert present(before + secret + after)
    assert redacted(f"see {before}{secret}{after}", "low") == f"see {before}[redacted:{name}]{after}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a pull request about tokens: 3 of them, and a secret santa",
        "risk_" + "hf_",
        "task-" + "sk-" + "a1" * 20,
        "https://example.com/a?b=c#d",
        "if password == other",
        "basic understanding of everything",
        "password: nothing in quotes",
        "snapshot_0123456789abcdef01234567",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text, "low") is text
    assert not present(text)


@pytest.mark.parametrize("text", ["secret://vault/prod#password", "Bearer secret://vault/token"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_reference_stays_and_counts_as_presence(text: str, level: Level) -> None:
    value = {"password": text, "token": text, "note": f"see {text} ", "list": [text]}
    assert redacted(value, level) == value
    assert redacted_json(_json(value), level) == _json(value)
    assert present(value)
    assert present_in_json(_json(value))


def test_the_mark_of_a_secret_counts_as_presence() -> None:
    for secret in EVERYTHING:
        assert present(redacted(secret, "low"))
    assert present(redacted({"password": WORD}, "low"))


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "apiKey", "x-access-token", "Authorization", "cookie"])
def test_fields_for_secrets_lose_what_they_hold(name: str) -> None:
    for value, shown in ((WORD, "[redacted:field]"), ("", ""), (None, None), (True, True)):
        assert redacted({name: value}, "low") == {name: shown}
        assert present({name: value}) == (value == WORD)


def test_fields_for_passwords_lose_numbers_and_all_within() -> None:
    value = {"passwords": {"db": WORD, "pins": [1234, None, True, "secret://pin"], "none": {}}, "pwd": 1234}
    hidden = {"db": "[redacted:field]", "pins": ["[redacted:field]", None, True, "secret://pin"], "none": {}}
    assert redacted(value, "low") == {"passwords": hidden, "pwd": "[redacted:field]"}
    assert redacted({"id_token": 3, "max_tokens": 4096, "tokens": 7}, "low") == {
        "id_token": 3,
        "max_tokens": 4096,
        "tokens": 7,
    }


def test_high_also_takes_what_only_looks_like_a_secret() -> None:
    opaque = "a1B2" * 8
    value = {"note": f"see {opaque} there", "card_number": 4111, "is_secret": True, "words": "a" * 40}
    assert redacted(value, "low") == value
    assert redacted(value, "high") == {
        "note": "see [redacted:opaque] there",
        "card_number": "[redacted:field]",
        "is_secret": True,
        "words": "a" * 40,
    }
    assert redacted_json(_json([opaque]), "high") == '["[redacted:opaque]"]'


def test_names_that_are_redacted_alike_are_still_two() -> None:
    one, other = WORDS["aws_key"]
    shown = redacted({one: 1, other: 2, "[redacted:aws_key]": 3}, "low")
    assert sorted(shown.values()) == [1, 2, 3]
    assert all(name.startswith("[redacted:aws_key]") for name in shown)


def test_where_secrets_overlap_the_first_is_named_and_nothing_is_left() -> None:
    text = f"postgres://ada:p+{EVERYTHING[0]}@db"
    assert len(list(spans(text))) > 1
    assert redacted(text, "low") == "postgres://ada:[redacted:url_password]@db"
    assert EVERYTHING[0] not in redacted(f"password={EVERYTHING[0]}", "low")


def test_signs_that_grow_in_small_letters_move_nothing() -> None:
    secret = WORDS["aws_key"][0]
    assert redacted(f"\u0130\u0130 {secret}", "low") == "\u0130\u0130 [redacted:aws_key]"


def test_json_that_spells_a_secret_by_numbers_is_read() -> None:
    secret = WORDS["aws_key"][0]
    spelt = '["' + "".join(f"\\u{ord(sign):04x}" for sign in secret) + '"]'
    assert redacted_json(spelt, "low") == '["[redacted:aws_key]"]'
    assert present_in_json(spelt)


def test_texts_that_are_no_json_are_looked_through_all_the_same() -> None:
    secret = WORDS["aws_key"][0]
    assert secret not in redacted_json(f"not json {secret}", "low")
    assert redacted_json('{"a": 1}', "low") == '{"a": 1}'
    assert redacted_json(secret, "none") == secret
    assert not present_in_json('{"a": 1}')


def test_what_is_nested_too_deeply_is_hidden_as_a_whole() -> None:
    value: Any = EVERYTHING[0]
    for _ in range(50_000):
        value = [value]
    assert present(value)
    assert redacted(value, "low") == "[redacted:too_deep]"
    assert redacted_json(DEEP, "low") == DEEP
    assert redacted_json(f"{DEEP} {EVERYTHING[0]}", "low") == f'"{DEEP} [redacted:aws_key]"'


@given(JSON, st.sampled_from(LEVELS))
@settings(max_examples=300, deadline=None)
def test_twice_is_as_good_as_once_and_leaves_nothing(value: Any, level: Level) -> None:
    shown = redacted(value, level)
    assert redacted(shown, level) == shown
    if level != "none":
        assert not any(secret in _json(shown) for secret in EVERYTHING)
    assert present(shown) == present(value) or level == "high"
    text = redacted_json(_json(value), level)
    assert redacted_json(text, level) == text


@given(st.text(max_size=200), st.sampled_from(EVERYTHING), st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_the_quick_look_never_misses_what_the_long_one_finds(before: str, secret: str, after: str) -> None:
    for text in (f"{before} {secret} {after}", before + after):
        assert may_hold(text) or not list(spans(text))


HOSTILE = [
    "password=",
    "password",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY",
    "-----BEGIN PRIVATE KEY-----" + "-" * 20,
    "://",
    "://a:",
    "bearer ",
    "bearer a",
    "eyJ",
    "eyJaaaaaaaa.",
    "SG." + "a" * 20,
    "sk-",
    "AKIA",
    "a1",
    "a1/",
    '\\"',
    '"password":"',
    "token ",
    "api" + "_" * 30,
    "secret://",
    "[redacted:",
    "\u0130",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("level", ["low", "high"])
def test_no_text_makes_it_slow(piece: str, level: Level) -> None:
    """Sixteen times the text may cost some sixteen times the time; if it cost its square, that would be 256."""

    def cost(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        best = 9.9
        for _ in range(3):
            began = time.process_time()
            redacted(text, level)
            best = min(best, time.process_time() - began)
        return best

    assert cost(256_000) < 80 * max(cost(16_000), 0.0005)


def test_events_are_redacted_in_all_they_carry_and_nowhere_else() -> None:
    secret = EVERYTHING[0]
    text = _json({"a": secret})
    rerun = Rerun(run_id="r", from_step="s", ctx={"c": text}, outputs={"o": text})
    asked = RunRequested(
        workflow=secret, input=text, labels={"l": secret}, idempotency_key=secret, rerun=rerun, topic="t"
    )
    shown = redacted_event(asked, "low")
    assert (shown.workflow, shown.idempotency_key) == (secret, secret)
    assert shown.rerun is not None
    carried = (shown.input, *shown.labels.values(), *shown.rerun.ctx.values(), *shown.rerun.outputs.values())
    assert all(secret not in one and "[redacted:aws_key]" in one for one in carried)
    assert redacted_event(shown, "low") is shown
    assert redacted_event(asked, "none") is asked


def test_items_jobs_and_values_are_looked_into() -> None:
    secret, text = EVERYTHING[0], _json(EVERYTHING[0])
    job = Job(job_id="r:s@1", step="s", attempt=1, kind="job", topic="t", input=text, **WHOSE)
    begun = StepStarted(step="s", kind="for_each", items=(text, "1"))
    for event in (JobRequested(job=job), begun, ContextChanged(step="s", name="n", value=text)):
        shown = redacted_event(event, "low")
        assert secret.encode() not in msgspec.msgpack.encode(shown)
        assert redacted_event(shown, "low") is shown


@pytest.mark.parametrize(
    "event",
    [
        JobSucceeded(job_id="r:s@1", lease=1, worker="w", output='{"a": 1}'),
        StepStarted(step="s", kind="for_each", items=("1", '"two"')),
        RunRequested(workflow="w", labels={"a": "b"}, rerun=Rerun(run_id="r", from_step="s", ctx={"a": "1"})),
    ],
)
def test_an_event_without_secrets_is_the_very_event(event: Any) -> None:
    assert redacted_event(event, "low") is event


def test_a_repeat_is_a_repeat_whether_or_not_it_was_redacted_on_the_way() -> None:
    asked = RunRequested(workflow="w", input=_json({"password": WORD}), labels={"l": EVERYTHING[0]})
    assert request_hash(asked) == request_hash(redacted_event(asked, "low"))
    assert request_hash(asked) != request_hash(RunRequested(workflow="w", input="{}"))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
