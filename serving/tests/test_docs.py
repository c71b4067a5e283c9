"""What the documents say can be typed, is an option, or is a metric."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from edgeline_serving import cli, metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "serving.md", ROOT / "serving" / "README.md"]


def test_the_commands_of_the_documents_are_understood() -> None:
    lines = [line for page in PAGES for line in page.read_text("utf-8").splitlines()]
    lines = [line for line in lines if line.startswith("edgeline-serving ")]
    assert len(lines) >= 3
    for line in lines:
        options = cli._parser().parse_args(shlex.split(line, comments=True)[1:])
        assert options.server


def test_every_option_that_is_named_exists() -> None:
    text = PAGES[0].read_text("utf-8")
    known = set(re.findall(r"--[a-z][a-z-]+", cli._parser().format_help()))
    others = {"--set", "--peers"}  # of the runner, of the benchmark
    own = text[: text.index("## On Kubernetes")]
    code = "\n".join(line for line in own.splitlines() if "benchmarks" not in line)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)) - others
    assert len(named) > 20
    assert named <= known, named - known


@pytest.mark.parametrize("name", re.findall(r"edgeline_serving_\w+", PAGES[0].read_text("utf-8")))
def test_every_metric_that_is_named_exists(name: str) -> None:
    assert metrics.LOG_DROPPED
    assert name.removesuffix("_total") in {metric.name for metric in REGISTRY.collect()}


def test_the_images_instructions_name_what_there_is() -> None:
    lines = (ROOT / "serving" / "Dockerfile").read_text("utf-8").splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert copied == ["serving/requirements.txt", "edge", "serving"]
    assert all((ROOT / name).exists() for name in copied)
    kept = (ROOT / "serving" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {f"!{name.split('/')[0]}" for name in copied} <= set(kept)
    project = tomllib.loads((ROOT / "serving" / "pyproject.toml").read_text("utf-8"))["project"]
    [started] = [line for line in lines if line.startswith("ENTRYPOINT")]
    assert started.split('"')[1] in project["scripts"]
