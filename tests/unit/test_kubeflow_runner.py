"""The command line of kubeflow_runner.py: quick, and clear about mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

import kubeflow_runner

TASK = ["--config", "tests/data/kubeflow/task.yaml"]
SERVE = ["serve-manifest", *TASK, "-p", "kubeflow"]


@pytest.fixture(autouse=True)
def in_the_project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(kubeflow_runner.cli, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["compile", *TASK, "-p", "kubeflow", "-e", "kubeflow", "--dry-run"],
        ["compile", *TASK, "-p", "vertex", "-e", "kubeflow"],
        ["submit", *TASK, "-p", "kubeflow", "-e", "kubeflow"],
        ["serve-manifest", *TASK, "-p", "kubeflow", "--image", "a:1", "--uri", "gs://bucket/7"],
    ],
)
def test_what_needs_no_tfx_does_not_import_it(arguments: list[str]) -> None:
    code = (
        "import sys, kubeflow_runner\n"
        f"try: kubeflow_runner.cli({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'kfp', 'google.cloud.aiplatform'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 20  # under a second on a quiet machine; TensorFlow alone takes ten


def test_the_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = call("compile", *TASK, "-p", "vertex", "-e", "vertex", "--dry-run", "-o", str(tmp_path / "x.yaml"))
    assert done.exit_code == 0, done.output
    assert "edgeline-golden for vertex" in done.output
    assert not (tmp_path / "x.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["compile", *TASK, "-p", "none", "-e", "vertex"], "There is no pipeline root"),
        (["compile", *TASK, "-p", "vertex", "-e", "vertex", "--set", "platform.nodez=1"], "Did you mean `nodes`?"),
        (["compile", *TASK, "-p", "nope", "-e", "vertex"], "there is no profile 'nope'"),
        (["compile", "-c", "nowhere.yaml", "-e", "vertex"], "nowhere.yaml: no such file"),
        (["compile", *TASK, "-p", "vertex", "-e", "vertex", "--set", "labels=[a, b]"], "Make them equal"),
        (["compile", *TASK, "-p", "vertex", "-e", "argo"], "--engine argo: choose one of kubeflow, "),
        (["submit", *TASK, "-p", "kubeflow", "-e", "kubeflow"], "give --host"),
        (["submit", *TASK, "-p", "vertex", "-e", "vertex", "--param", "epochs"], "--param epochs: expected NAME=VALUE"),
        (["submit", *TASK, "-p", "vertex", "-e", "vertex", "--param", "epoch=1"], "there is no such parameter"),
        (["execute", "tests/data/kubeflow/task.yaml", "--root", "x"], "not a pipeline specification"),
        ([*SERVE, "--image", "a", "--uri", "gs://b/7"], "--image a: there is no tag"),
        ([*SERVE, "--image", "a:1", "--uri", "gs://b/pushed"], "--uri gs://b/pushed: give one pushed version"),
        ([*SERVE, "--image", "a:1", "--uri", "/mnt/edgeline/pushed"], "/mnt/edgeline/pushed: give one pushed version"),
        ([*SERVE, "--image", "a:1", "--uri", "gs"], "--uri gs: give a path below platform.volumes, or pvc://"),
        ([*SERVE, "--image", "a:1", "--uri", "runs/7"], "--uri runs/7: give a path below platform.volumes, or pvc://"),
        ([*SERVE, "--image", "a:1", "--uri", "/srv/7"], "no volume of platform.volumes is mounted there"),
        ([*SERVE, "--image", "a:1", "--uri", "gs://b/7", "--min-replicas", "9"], "--min-replicas 9: more than"),
        ([*SERVE, "--image", "a:1", "--uri", "gs://b/7", "--memory", "lots"], "--memory lots: "),
    ],
)
def test_a_mistake_ends_with_two_and_says_what_to_do(arguments: list[str], expected: str) -> None:
    done = call(*arguments)
    assert done.exit_code == 2, done.output
    assert expected in done.output
    assert "Traceback" not in done.output


def test_the_reviewed_service_is_what_the_command_writes(tmp_path: Path) -> None:
    """`serving/tests/test_manifest.py` holds the file to KServe's own classes; `make golden` writes it anew."""
    golden, file = Path("tests/data/kubeflow/inference_service.yaml"), tmp_path / "service.yaml"
    uri = "/mnt/edgeline/artifacts/pushed/server/1795661818"
    done = call(*SERVE, "--image", "registry/edgeline-serving:1", "--uri", uri, "--canary", "10", "-o", str(file))
    assert done.exit_code == 0, done.output
    assert f"kubectl apply -f {file}" in done.output
    if os.environ.get("EDGELINE_UPDATE_GOLDEN"):
        golden.write_bytes(file.read_bytes())
    assert file.read_text("utf-8") == golden.read_text("utf-8")
    container = yaml.safe_load(file.read_text("utf-8"))["spec"]["predictor"]["containers"][0]
    assert container["env"] == [{"name": "STORAGE_URI", "value": "pvc://edgeline/artifacts/pushed/server/1795661818"}]


def test_a_service_of_a_bundle_for_all_requests_goes_to_the_screen() -> None:
    done = call(*SERVE, "--image", "a:1", "--uri", "s3://models/edge/7", "--kind", "edge")
    service = yaml.safe_load(done.output)
    assert service["metadata"]["name"] == "golden"
    assert "canaryTrafficPercent" not in service["spec"]["predictor"]
    assert service["spec"]["predictor"]["containers"][0]["args"][:2] == ["--edge", "golden=/mnt/models"]
