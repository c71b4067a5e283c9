"""The command line of kubeflow_runner.py: quick, and clear about mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

import kubeflow_runner
from pipeline.kubeflow.compile import vertex_endpoint

TASK = ["--config", "tests/data/kubeflow/task.yaml"]
SERVE = ["serve-manifest", *TASK, "-p", "kubeflow"]
VERTEX = ["serve-manifest", *TASK, "-p", "vertex", "--vertex", "--dry-run", "--image", "registry/serving:1"]


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
        ([*SERVE, "--image", "a:1", "--uri", "gs://b/7", "--vertex"], "--vertex and --dry-run go together"),
        ([*SERVE, "--image", "a:1", "--uri", "gs://b/7", "--vertex", "--dry-run"], "--vertex needs a project"),
        ([*VERTEX, "--uri", "s3://b/7"], "--uri s3://b/7: Vertex AI takes one pushed version in a bucket, gs://"),
        ([*VERTEX, "--uri", "gs://b/pushed"], "gs://…/<number>"),
        ([*VERTEX, "--uri", "gs://b/p/7", "--min-replicas", "0"], "has at least 1"),
        ([*VERTEX, "--uri", "gs://b/p/7", "--canary", "10"], "name --endpoint and --beside"),
        ([*VERTEX, "--uri", "gs://b/p/7", "--endpoint", "mine"], "--endpoint mine: give the number"),
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


def test_a_new_endpoint_is_three_requests_whose_fields_googles_client_knows() -> None:
    done = call(*VERTEX, "--uri", "gs://bucket/pushed/server/1795661818", "--max-replicas", "5")
    assert done.exit_code == 0, done.output
    upload, create, deploy = json.loads(done.output)
    root = "https://europe-west4-aiplatform.googleapis.com/v1/projects/project/locations/europe-west4/"
    assert [request["url"] for request in (upload, create, deploy)] == [
        f"{root}models:upload", f"{root}endpoints", f"{root}endpoints/ENDPOINT_ID:deployModel"
    ]  # fmt: skip
    model = upload["body"]["model"]
    assert model["artifactUri"] == "gs://bucket/pushed/server/1795661818"
    container = model["containerSpec"]
    assert container["args"][:2] == ["--server", "golden=$(AIP_STORAGE_URI)"]
    assert (container["predictRoute"], container["healthRoute"]) == ("/v1/models/golden:predict", "/v2/health/ready")
    assert create["body"]["labels"] == {"edgeline-task": "golden", "team": "language"}
    machines = deploy["body"]["deployedModel"]["dedicatedResources"]
    assert (machines["minReplicaCount"], machines["maxReplicaCount"]) == (1, 5)
    assert deploy["body"]["trafficSplit"] == {"0": 100}


def test_a_canary_on_an_endpoint_that_there_is_leaves_the_rest_to_the_model_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "requests.json"
    place = ["--endpoint", "42", "--beside", "7", "--machine-type", "n1-highmem-4", "--kind", "edge"]
    key = ["--set", "platform.vertex.encryption_key=projects/p/locations/l/keyRings/r/cryptoKeys/k"]
    done = call(*VERTEX, *key, "--uri", "gs://b/edge/7/", "--canary", "10", *place, "-o", str(file))
    assert f"{file}: send these requests in their order" in done.output
    upload, deploy = json.loads(file.read_text("utf-8"))
    assert upload["body"]["model"]["encryptionSpec"]["kmsKeyName"].endswith("/k")
    assert upload["body"]["model"]["containerSpec"]["args"][0] == "--edge"
    assert deploy["url"].endswith("/endpoints/42:deployModel")
    assert deploy["body"]["trafficSplit"] == {"0": 10, "7": 90}
    assert deploy["body"]["deployedModel"]["displayName"] == "golden-7"


def test_a_field_that_vertex_does_not_know_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vertex_endpoint, "_model", lambda *_: {"display_name": "a", "artefact_uri": "gs://b/7"})
    done = call(*VERTEX, "--uri", "gs://b/p/7")
    assert isinstance(done.exception, ValueError)
    assert "artefact_uri" in str(done.exception)
