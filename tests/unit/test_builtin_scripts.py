"""`script` steps as real processes: what they are given, what they may use, and that nothing of them is left."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from foldgate.sdk import WorkerUnfit
from foldgate.sdk.builtin.processes import Limits
from foldgate.sdk.builtin.scripts import Scripts, ScriptTerms
from foldgate.servers.account import Account, nobody
from tests.support.script_steps import Write, folder, run, write

AS_ROOT = os.geteuid() == 0
__all__ = ["folder", "write"]


async def test_input_comes_in_and_output_goes_out_as_json(folder: Path, write: Write) -> None:
    write("import json, sys\nprint(json.dumps({'args': sys.argv[1:], 'input': json.load(sys.stdin)}))")
    done = await run(folder, {"script": "it", "args": ["a b", "$(id)", "*"], "input": {"n": [1, None]}})
    assert done.output == {"args": ["a b", "$(id)", "*"], "input": {"n": [1, None]}}


@pytest.mark.parametrize(
    ("text", "output"),
    [("", None), ("print('done, and well')", "done, and well\n"), ("print(12)", 12), ("print('[1')", "[1\n")],
)
async def test_what_is_no_json_is_a_text(folder: Path, write: Write, *, text: str, output: Any) -> None:
    write(text)
    assert (await run(folder)).output == output


async def test_it_sees_nothing_of_the_worker(folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDGATE_API_KEY", "none of its business")
    write(
        "import json, os\nopen('mine', 'w').write('x')\n"
        "print(json.dumps({'env': dict(os.environ), 'cwd': os.getcwd(), 'files': os.listdir('.'),"
        " 'open': sorted(os.listdir('/proc/self/fd'))[:3], 'many': len(os.listdir('/proc/self/fd'))}))"
    )
    seen = (await run(folder)).output
    assert seen["env"].pop("TRACEPARENT").startswith("00-")
    assert seen["env"].pop("PATH").startswith("/usr/local/sbin:")
    assert seen["env"].pop("HOME") == seen["env"].pop("TMPDIR") == seen["cwd"]
    assert seen["env"].pop("LANG") == "C.UTF-8"
    seen["env"].pop("LC_CTYPE", None)  # Python's own
    assert seen["env"] == {
        "FOLDGATE_JOB_ID": "run_test:do@2",
        "FOLDGATE_RUN_ID": "run_test",
        "FOLDGATE_STEP": "do",
        "FOLDGATE_ATTEMPT": "2",
        "FOLDGATE_IDEMPOTENCY_KEY": "run_test:do",
    }
    assert seen["files"] == ["mine"]
    assert (seen["open"], seen["many"]) == (["0", "1", "2"], 4), "its own three, and the folder that it looks into"
    assert not Path(seen["cwd"]).exists(), "its folder went with it"


async def test_a_folder_that_it_locked_is_removed_all_the_same(folder: Path, write: Write) -> None:
    write("import os\nos.makedirs('a/b/c')\nos.chmod('a/b', 0)\nprint(os.getcwd())")
    assert not Path((await run(folder)).output.strip()).exists()


@pytest.mark.parametrize(
    ("text", "code", "message", "retryable"),
    [
        ("import sys; print('no\\nrow', file=sys.stderr); sys.exit(3)", "exit_3", "code 3. It said: no\nrow", True),
        ("import sys; sys.exit(1)", "exit_1", "it ended with exit code 1.", True),
        ("import os; os.kill(os.getpid(), 15)", "signal_15", "ended by signal 15", True),
        ("raise ValueError('what')", "exit_1", "ValueError: what", True),
        (
            'import sys; sys.exit(\'some lines\\n{"code": "no_row", "message": "It is gone.", "retryable": false}\')',
            "no_row",
            "It is gone.",
            False,
        ),
        ('import sys; sys.exit(\'{"code": "busy", "retry_after": 2}\')', "busy", "exit code 1", True),
        ('import sys; sys.exit(\'{"code": "Not A Code"}\')', "exit_1", "Not A Code", True),
    ],
)
async def test_how_it_fails(folder: Path, write: Write, *, text: str, code: str, message: str, retryable: bool) -> None:
    write(text)
    done = await run(folder)
    assert (done.code, done.retryable) == (code, retryable)
    assert message in done.message
    assert done.retry_after_ms == (2000 if code == "busy" else 0)


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("while True: pass", Limits(cpu_s=1), "cpu_limit"),
        ("x = bytearray(800_000_000)", Limits(memory_bytes=400_000_000), "exit_1"),
        (
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); open('f', 'wb').write(b'x' * 2_000_000)",
            Limits(file_bytes=1_000_000),
            "file_size_limit",
        ),
        ("f = [open('/dev/null') for _ in range(100)]", Limits(open_files=50), "exit_1"),
        ("f = [open('/dev/null') for _ in range(100)]", Limits(open_files=200), ""),
        (
            "import resource as r; assert r.getrlimit(r.RLIMIT_NPROC)[0] == 7 and r.getrlimit(r.RLIMIT_CORE) == (0, 0)",
            Limits(processes=7),
            "",
        ),
    ],
)
async def test_what_it_may_use(folder: Path, write: Write, *, text: str, limits: Limits, code: str) -> None:
    write(text)
    done = await run(folder, limits=limits)
    assert done.code == code, done.message


async def test_it_may_not_print_without_end(folder: Path, write: Write) -> None:
    write("import signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True: print('x' * 1000)")
    done = await run(folder, output_bytes=100_000)
    assert (done.code, done.retryable) == ("output_too_large", False)


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a pipe be made that wide")
async def test_what_it_printed_too_much_of_is_no_more_than_that(folder: Path, write: Write) -> None:
    """So much at once that reading pauses: its end is seen all the same, and does not wait for its time to be over."""
    widened = "import fcntl, os, time\nfcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)"
    write(f"{widened}\nos.write(1, b'x' * (1 << 20))\ntime.sleep(600)")
    done = await run(folder, {"script": "it", "timeout": "30s"}, output_bytes=1000)
    assert (done.code, done.retryable) == ("output_too_large", False)


async def test_of_its_complaints_the_end_is_kept(folder: Path, write: Write) -> None:
    write("import sys\nfor n in range(100_000): print('line', n, file=sys.stderr)\nsys.exit(1)")
    done = await run(folder)
    assert done.code == "exit_1"
    assert done.message.endswith("line 99999")
    assert len(done.message) < 2000


async def test_it_need_not_read_what_it_is_given(folder: Path, write: Write) -> None:
    write("print('done')")
    done = await run(folder, {"script": "it", "input": "x" * 1_000_000})
    assert done.output == "done\n"


@pytest.mark.parametrize("name", ["../it", "/bin/sh", "", ".hidden", "a/b", "it\n", "it; id"])
async def test_only_names_are_scripts(folder: Path, write: Write, *, name: str) -> None:
    write("print('ran')")
    done = await run(folder, {"script": name})
    assert (done.code, done.retryable) == ("invalid_input", False)


async def test_which_files_are_scripts(folder: Path, write: Write) -> None:
    (folder / "text").write_text("no program")
    (folder / "folder").mkdir()
    (folder / "away").symlink_to("/bin/true")
    write("print('ran')", name="real")
    (folder / "alias").symlink_to("real")
    write("print('ran')", name="open").chmod(0o777)
    write("", name="bad", by="/no/such/interpreter")
    codes = {
        name: (await run(folder, {"script": name})).code for name in ("text", "folder", "away", "none", "open", "bad")
    }
    assert codes == {
        "text": "script_unusable",
        "folder": "no_such_script",
        "away": "no_such_script",
        "none": "no_such_script",
        "open": "script_unusable",
        "bad": "script_unusable",
    }
    assert (await run(folder, {"script": "alias"})).output == "ran\n"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "missing required field `script`"),
        ({"script": "it", "shell": True}, "but got 'shell'"),
        ({"script": "it", "args": "a b"}, "Expected `array`, got `str` - at `$.args`"),
        ({"script": "it", "args": ["a\0b"]}, "without NUL"),
        ({"script": "it", "args": ["x" * 70_000]}, "at most 65536 bytes"),
        ({"script": "it", "timeout": -1}, "above 0"),
    ],
)
async def test_a_wrong_input_is_told(folder: Path, write: Write, *, given: Any, what: str) -> None:
    write("print('ran')")
    done = await run(folder, given)
    assert done.code == "invalid_input"
    assert what in done.message


@pytest.mark.parametrize(
    ("constraints", "code", "breaches"),
    [
        ({"allowed_commands": ["it"]}, "", []),
        ({"allowed_commands": ["it --dry*"]}, "", []),
        ({"allowed_commands": ["it --real"]}, "constraint_breached", ["allowed_commands"]),
        ({"allowed_commands": []}, "constraint_breached", ["allowed_commands"]),
        ({"network_allowlist": ["*"]}, "constraint_unenforceable", []),
    ],
)
async def test_what_policy_allows(
    folder: Path, write: Write, *, constraints: Any, code: str, breaches: list[str]
) -> None:
    write("print('ran')")
    done = await run(folder, {"script": "it", "args": ["--dry-run"]}, constraints=constraints)
    assert (done.code, done.breaches) == (code, breaches)


async def test_a_secret_goes_in_and_does_not_come_out(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD_TOKEN", "s3cr3t-and-long")
    write("import json, sys\nprint('got', json.load(sys.stdin)['token'])")
    done = await run(folder, {"script": "it", "input": {"token": "secret://env/TOLD_TOKEN"}})
    assert done.output == "got secret://env/TOLD_TOKEN\n"


def test_a_folder_that_anybody_may_write_to_is_refused(folder: Path) -> None:
    with pytest.raises(WorkerUnfit, match="Expected a folder of scripts"):
        Scripts(ScriptTerms(folder=folder / "none"))
    folder.chmod(0o777)
    with pytest.raises(WorkerUnfit, match="chmod o-w"):
        Scripts(ScriptTerms(folder=folder))


WHO = "import json, os\nopen('mine', 'w').close()\nprint(json.dumps([os.getuid(), os.getgid(), os.getgroups()]))"


async def test_it_runs_as_whom_it_is_told(folder: Path, write: Write) -> None:
    """Only root may become somebody else; all others run scripts as they are."""
    write(WHO, by=shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin") or sys.executable)
    found = nobody()
    if AS_ROOT and found is not None:
        ours = Path(sys.executable).resolve()
        if any(not parent.stat().st_mode & 0o001 for parent in ours.parents):
            write('echo "[$(id -u), $(id -g), [$(id -G)]]" && touch mine', by="/bin/sh")
        done = await run(folder, account=found)
        assert done.code == "", done.message
        assert done.output[:2] == [found.uid, found.gid]
        assert 0 not in done.output[2]
        (folder / "it").chmod(0o700)
        assert (await run(folder, account=found)).code == "script_unusable"
    else:
        assert (await run(folder)).output[0] == os.getuid()
        assert (await run(folder, account=Account("root", 0, 0))).code == "script_unusable"
