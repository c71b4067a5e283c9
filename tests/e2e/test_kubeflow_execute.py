"""A compiled pipeline of a text and a table runs without a cluster, on both engines' specifications, and gives what
the local runner gives.

Every container's own entry point runs with the input that the engine would hand it; nodes are forks of a process that
has imported TFX once. `make kfp-e2e` does the same with a fresh process for every node.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest
import tiny

from pipeline.local import session

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
FORK = () if os.environ.get("EDGELINE_EVERY_NODE_A_PROCESS") else ("--fork",)


@dataclasses.dataclass(frozen=True)
class Executed:
    """What an execution left behind.

    Attributes:
        root: its folder.
        said: its output.
    """

    root: Path
    said: str

    def store(self) -> list[dict[str, Any]]:
        """The artifacts, oldest first."""
        lines = (self.root / "artifacts.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def one(self, node: str, output: str) -> dict[str, Any]:
        """The newest artifact of a node."""
        # By URI, which has the run's time in it: a look-up lists an older artifact once more.
        return max(
            (item for item in self.store() if item["uri"].endswith(f"/{node}/{output}")), key=lambda item: item["uri"]
        )

    def path(self, node: str, output: str) -> Path:
        """Where the container saw it."""
        uri = self.one(node, output)["uri"]
        return Path(uri.replace("minio://", f"{self.root}/launcher/minio/"))

    def pushed(self, where: str) -> list[str]:
        """The versions that were pushed."""
        folder = self.root / "pushed" / where
        return sorted(item.name for item in folder.iterdir() if item.name.isdigit()) if folder.is_dir() else []


def _runner(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "kubeflow_runner.py", *arguments], cwd=ROOT, text=True, capture_output=True,
        timeout=850 if FORK else 3500,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def _compiled(task: tiny.TinyTask, engine: str, root: str, file: Path) -> Path:
    _runner(
        "compile", "--config", str(task.config), "--profile", "quick", "--engine", engine, "--image", "registry/e:1",
        "--pipeline-root", root, "--push-root", "gs://bucket/pushed", "--local", "--output", str(file),
    )  # fmt: skip
    return file


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    return tiny.with_table(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def local(task: tiny.TinyTask) -> session.Outcome:
    outcome = tiny.run_task(task)
    assert outcome.error is None, outcome.error
    return outcome


@pytest.fixture(scope="module")
def kubeflow(task: tiny.TinyTask, tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Kubeflow's default: artifacts in MinIO, copied by its launcher; no resolvers, no hooks, no types of inputs."""
    folder = tmp_path_factory.mktemp("kubeflow")
    file = _compiled(task, "kubeflow", "minio://mlpipeline/edgeline", folder / "pipeline.yaml")
    return Executed(folder / "run", _runner("execute", str(file), "--root", str(folder / "run"), *FORK))


@pytest.fixture(scope="module")
def vertex(task: tiny.TinyTask, tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Vertex AI: a bucket, resolvers, and ExampleGen's driver as a hook."""
    folder = tmp_path_factory.mktemp("vertex")
    file = _compiled(task, "vertex", "gs://bucket/root", folder / "pipeline.yaml")
    return Executed(folder / "run", _runner("execute", str(file), "--root", str(folder / "run"), *FORK))


@pytest.fixture(params=["kubeflow", "vertex"])
def executed(request: pytest.FixtureRequest) -> Executed:
    return request.getfixturevalue(request.param)


def test_a_compiled_pipeline_ends_in_a_pushed_model_and_a_pushed_bundle(executed: Executed) -> None:
    [server], [edge] = executed.pushed("server"), executed.pushed("edge")
    assert (executed.root / "pushed" / "server" / server / "saved_model.pb").is_file()
    assert (executed.root / "pushed" / "server" / server / "assets.extra" / "model_card.md").is_file()
    bundle = executed.root / "pushed" / "edge" / edge / "model.tflite"
    assert json.loads(bundle.with_name("model_card.json").read_text())["size"]["bytes"] == bundle.stat().st_size
    from edgeline_edge import Classifier

    row = {"text": "the film was 3", "price": 12.0, "source": "shop"}
    dear, cheap, said = Classifier.load(bundle).predict([row, {**row, "price": 2.0}, {"text": "the film was great"}])
    assert (dear.label, cheap.label, said.label) == ("positive", "negative", "positive")


def test_the_result_is_the_local_runners(executed: Executed, local: session.Outcome) -> None:
    record = json.loads((executed.path("Trainer", "model") / "training" / "history.json").read_text())
    expected = json.loads((_local(local, "Trainer", "model") / "training" / "history.json").read_text())
    assert record["settings"] == pytest.approx(expected["settings"])
    for name, values in expected["history"].items():
        assert record["history"][name] == pytest.approx(values, abs=1e-4), name
    pareto = json.loads((executed.path("EdgeEvaluator", "evaluation") / "pareto.json").read_text())
    for name, variant in local.summary["edge"]["variants"].items():
        assert pareto["variants"][name]["accuracy"] == pytest.approx(variant["accuracy"], abs=1e-6), name


def test_the_vocabulary_of_artifacts_is_the_engines(kubeflow: Executed, vertex: Executed) -> None:
    assert kubeflow.one("Trainer", "model")["uri"].startswith("minio://mlpipeline/edgeline/")
    assert vertex.one("ExampleGen", "examples")["metadata"]["split_names"] == '["train", "eval", "test"]'
    assert kubeflow.one("ExampleGen", "examples")["metadata"]["split_names"] == '["train", "eval", "test"]'
    assert vertex.one("Evaluator", "blessing")["metadata"]["edgeline_gate"] == "edgeline-tiny"


def test_on_the_first_run_there_is_no_baseline(kubeflow: Executed, vertex: Executed) -> None:
    assert kubeflow.one("LatestBlessedModelResolver", "model")["metadata"]["absent"] == 1.0
    assert "baseline_model" not in vertex.one("Evaluator", "blessing")["metadata"]


def test_a_parameter_of_the_run_decides_and_the_pushed_model_is_the_next_ones_baseline(
    kubeflow: Executed, task: tiny.TinyTask
) -> None:
    first = kubeflow.one("Trainer", "model")
    file = kubeflow.root.parent / "pipeline.yaml"
    _runner(
        "execute", str(file), "--root", str(kubeflow.root), *FORK, "--param", "epochs=1", "--param",
        "accuracy_min=1.0", "--until", "Pusher",
    )  # fmt: skip
    record = json.loads((kubeflow.path("Trainer", "model") / "training" / "history.json").read_text())
    blessing = kubeflow.one("Evaluator", "blessing")["metadata"]
    assert record["settings"]["epochs"] == 1
    assert [item["uri"] for item in kubeflow.store()].count(first["uri"]) == 2  # made, and looked up
    assert blessing["baseline_model"].endswith(first["uri"].removeprefix("minio://"))
    assert blessing["blessed"] == 0.0  # no model reaches an accuracy of 1 on labels of which some are wrong
    assert len(kubeflow.pushed("server")) == 1


def _local(outcome: session.Outcome, node: str, output: str) -> Path:
    root = outcome.run_dir.parent.parent / "pipeline_root" / node / output
    return sorted(root.iterdir(), key=lambda item: int(item.name))[-1]
