"""What `foldgate bench` prints for people."""

import pytest

from foldgate.cli.bench_telling import tell


def found(driver: str, *, apart: bool, cpu: dict[str, int]) -> dict[str, object]:
    times = {"p50": 8.25, "p95": 12.0, "p99": 1234.5}
    return {
        "driver": driver,
        "apart": apart,
        "milliseconds": dict.fromkeys(("bench-1", "bench-3", "bench-9", "bench-fan"), times),
        "steady": {
            "steps_per_second": 1501.4,
            "events_per_second": 9_000,
            "events_per_step": 6.1,
            "cpu_us_per_step": cpu,
        },
        "log_alone": {"events_per_second": 44_000, "event_bytes": 400, "suite_share": 0.2045},
    }


def test_a_column_for_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    one = found("postgres", apart=False, cpu={"services": 900, "all": 2_000})
    other = found("kafka", apart=True, cpu={"engine": 450, "all": 2_500})
    tell({"cores": 2, "python": "3.11"}, [one, other])
    lines = [[word.strip() for word in line.split("│")] for line in capsys.readouterr().out.splitlines()]
    rows = {words[1]: words[2:-1] for words in lines if len(words) > 3}
    assert rows["a run of 9 steps: p50 / p95 / p99"] == ["8.2 / 12.0 / 1,234.5 ms"] * 2
    assert rows["steady, 100 runs at once"] == ["1,501 steps/s"] * 2
    assert rows["processor time of a step, services"] == ["0.90 ms", "-"]
    assert rows["processor time of a step, engine"] == ["-", "0.45 ms"]
    assert rows["processor time of a step, all"] == ["2.00 ms", "2.50 ms"]
    assert rows["the suite's share of that"] == ["20.4%"] * 2
    assert lines[-1] == ["Machine: cores 2, python 3.11"]
