"""The page on operating names what there is: metrics and settings. Its commands are tried with those of the README."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from foldgate.runtime import metrics
from foldgate.runtime.settings import PREFIX, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


def test_its_metrics_are_measured() -> None:
    known = {metric.name for metric in REGISTRY.collect()}
    assert {metric.name for metric in metrics.WAITING.collect()} <= known
    named = {name.removesuffix("_total") for name in re.findall(r"foldgate_[a-z_]+[a-z]", PAGE)}
    assert named
    assert not named - known


def test_its_settings_are_read() -> None:
    named = {name.removeprefix(PREFIX).lower() for name in re.findall(PREFIX + r"[A-Z_]+[A-Z]", PAGE)}
    assert named
    assert not named - set(Settings.model_fields)
