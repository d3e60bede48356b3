"""Keys on the command line: made once, shown without what is secret, replaced while the old ones still count."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from foldgate.authority.keys import Trust
from foldgate.authority.token import is_genuine, token, with_mac
from foldgate.cli.main import commands
from foldgate.cli.terminal import console
from foldgate.contracts.events import JobSucceeded
from foldgate.runtime.key_making import PURPOSES
from foldgate.runtime.keys import Keys, reading, signer_in
from foldgate.runtime.settings import SettingsInvalid

NOW = 1_900_000_000_000
DATA = b"what is vouched for"


def foldgate(*words: str, settings: dict[str, str] | None = None) -> Result:
    console.cache_clear()  # its output is another at each run
    try:
        return CliRunner().invoke(commands, ["keys", *words], env=settings)
    finally:
        console.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "somewhere" / "keys"
    assert foldgate("init", str(made)).exit_code == 0
    return made


def keys(folder: Path) -> Keys:
    return Keys(reading(folder))


def test_new_keys_are_good_and_their_owners_alone(folder: Path) -> None:
    found = keys(folder)
    for purpose in PURPOSES:
        signer = getattr(found, purpose)
        assert found.trust.check(signer.sign(DATA), DATA, purpose=purpose, at=NOW).name == purpose
    readable = {path.name for path in folder.iterdir() if path.stat().st_mode & 0o077}
    assert readable == {"root.pub"}


def test_a_folder_that_is_there_is_left_alone(folder: Path) -> None:
    before = (folder / "root.key").read_bytes()
    again = foldgate("init", str(folder))
    assert "Expected a folder that is not there yet" in str(again.exception)
    assert (folder / "root.key").read_bytes() == before


def test_a_persons_key_speaks_for_them_in_their_roles(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "ada.json"
    words = ("person", "ada", str(file), "--role", "policy_author", "--role", "sre", "--root", str(folder / "root.key"))
    assert foldgate(*words).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    signer = signer_in(file.read_bytes(), "issuer", where="Expected a key")
    certificate = keys(folder).trust.check(signer.sign(DATA), DATA, purpose="issuer", at=signer.certificate.not_before)
    assert (certificate.name, certificate.roles) == ("ada", ("person", "policy_author", "sre"))
    before = file.read_bytes()
    assert "Expected a file that is not there yet" in str(foldgate(*words).exception)
    assert file.read_bytes() == before


def test_only_a_root_key_makes_a_persons_key(folder: Path, tmp_path: Path) -> None:
    words = ("person", "ada", str(tmp_path / "ada.json"), "--root")
    assert "Expected the root key at" in str(foldgate(*words, str(folder / "none")).exception)
    assert "Expected one root key" in str(foldgate(*words, str(folder / "kernel.json")).exception)
    assert not (tmp_path / "ada.json").exists()


def test_what_is_shown_holds_no_secret(folder: Path) -> None:
    told = foldgate("show", str(folder)).output
    shown = msgspec.json.decode(foldgate("show", "--json", settings={"FOLDGATE_KEYS": str(folder)}).output)
    assert shown["root_keys"] == [(folder / "root.pub").read_text().strip()]
    assert [one["purpose"] for one in shown["certificates"]] == list(PURPOSES)
    assert shown["certificates"][0]["key_id"] in told
    for secret in ("root.key", "suite.key"):
        assert (folder / secret).read_text().strip() not in told


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_the_old_key_signed_counts_beside_the_new(folder: Path, purpose: str) -> None:
    old = getattr(keys(folder), purpose)
    assert foldgate("rotate", purpose, str(folder)).exit_code == 0
    found = keys(folder)
    new = getattr(found, purpose)
    assert new.certificate.key_id != old.certificate.key_id
    for signer in (old, new):
        assert found.trust.check(signer.sign(DATA), DATA, purpose=signer.certificate.purpose, at=NOW).name == purpose


def test_a_root_key_may_be_kept_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / "root.key").rename(tmp_path / "safe")
    assert "Say with --root" in str(foldgate("rotate", "kernel", str(folder)).exception)
    assert foldgate("rotate", "kernel", str(folder), "--root", str(tmp_path / "safe")).exit_code == 0
    (tmp_path / "safe").write_text("nothing of the kind")
    done = foldgate("rotate", "kernel", str(folder), "--root", str(tmp_path / "safe"))
    assert isinstance(done.exception, SettingsInvalid)


def test_a_stranger_with_another_root_is_not_believed(folder: Path, tmp_path: Path) -> None:
    foldgate("init", str(tmp_path / "other"))
    trust: Trust = keys(tmp_path / "other").trust
    signed = keys(folder).kernel.sign(DATA)
    with pytest.raises(Exception, match="a pinned root key vouches for"):
        trust.check(signed, DATA, purpose="kernel", at=NOW)


def test_leases_of_the_last_key_of_the_suite_are_still_proved(folder: Path) -> None:
    report = JobSucceeded(job_id="run_1:job@1", lease=1, worker="w/1", output="1")

    def proved() -> JobSucceeded:
        return with_mac(token(keys(folder).suite[0], job_id="run_1:job@1", lease=1, worker="w/1"), report)

    reports = [proved()]
    for _ in range(2):
        assert foldgate("rotate", "suite", str(folder)).exit_code == 0
        reports.append(proved())
    assert [is_genuine(keys(folder).suite, one) for one in reports] == [False, True, True]


def test_where_there_are_no_keys_it_is_said(tmp_path: Path) -> None:
    assert "`foldgate keys init` makes one" in str(foldgate("show", str(tmp_path / "none")).exception)
    assert "there is none" in str(foldgate("show", "--data", str(tmp_path)).exception)
