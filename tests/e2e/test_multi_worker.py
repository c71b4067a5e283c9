"""Trainer on two machines: the very job that Vertex AI would get, its command started twice here, joined by TF_CONFIG.

Both together learn what one machine learns on the same global batch.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.checkpoint import load_trained

import numpy as np
import pytest
import tensorflow as tf
import tiny

from pipeline import config_loader
from pipeline.orchestration import session
from tests import compiled
from tests.recorder import Answer, Recorder

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
LENGTH, ROWS, REPLICA_BATCH = 24, {"train": 64, "eval": 32}, 8


@dataclasses.dataclass(frozen=True)
class Node:
    """What Trainer gets and where it writes.

    Attributes:
        inputs: artifacts by input.
        outputs: artifacts by output.
        properties: execution properties.
    """

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    properties: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """The history of its training."""
        return json.loads(Path(self.outputs["model"][0].uri, "training", "history.json").read_text())

    def weights(self) -> list[np.ndarray]:
        """Of the model that it wrote."""
        return weights(Path(self.outputs["model"][0].uri, "training"))


def weights(folder: Path) -> list[np.ndarray]:
    return load_trained(str(folder)).model.get_weights()


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Transformed examples, all of one length, so that every batch divides by two."""
    folder = tmp_path_factory.mktemp("examples")
    chance = np.random.default_rng(1)
    for split, count in ROWS.items():
        (folder / f"Split-{split}").mkdir()
        with tf.io.TFRecordWriter(str(folder / f"Split-{split}" / "rows.gz"), options="GZIP") as writer:
            for ids in chance.integers(5, 40, (count, LENGTH)):
                values = {"token_ids": ids, "padding_mask": np.ones_like(ids), "label_id": [int(ids[1] > 22)]}
                features = {
                    name: tf.train.Feature(int64_list=tf.train.Int64List(value=value)) for name, value in values.items()
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return folder


@pytest.fixture
def make_node(task: tiny.TinyTask, first_run: session.Outcome, examples: Path, tmp_path: Path):
    """Trainer as it is compiled for Vertex AI Training with two machines, on the examples."""
    from pipeline.orchestration.kubeflow import compile, target

    config = config_loader.load(
        task.config,
        profile="quick",
        overrides=(
            "platform.vertex={project: p, region: europe-west4, training: {workers: 2}}",
            *(f"trainer.{item}" for item in ("epochs=2", "dropout=0.0", "checkpoint_steps=2")),
        ),
    )
    goal = target.make_target(config, engine="vertex", image="registry/e:1", pipeline_root="gs://b/root", local=True)
    properties = compiled.properties(compile.compile_pipeline(config, goal), "Trainer")

    def make(name: str, batch_size: int) -> Node:
        settings = json.loads(properties["custom_config"])
        settings["trainer"]["batch_size"] = batch_size
        graph = max((first_run.run_dir.parent.parent / "pipeline_root/Transform/transform_graph").iterdir())
        return Node(
            {
                "examples": compiled.artifact("Examples", examples, list(ROWS)),
                "transform_graph": compiled.artifact("TransformGraph", graph),
            },
            {
                "model": compiled.artifact("Model", tmp_path / name / "model" / "1"),
                "model_run": compiled.artifact("ModelRun", tmp_path / name / "model_run" / "1"),
            },
            {**properties, "custom_config": json.dumps(settings)},
        )

    return make


def assert_same(history: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert set(history) == set(expected)
    for name, values in expected.items():
        assert history[name] == pytest.approx(values, rel=1e-4), name


def _job(node: Node, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The job that TFX's own executor asks Vertex AI for."""
    from google.cloud.aiplatform_v1.types import CustomJob, JobState
    from tfx.extensions.google_cloud_ai_platform import training_clients
    from tfx.extensions.google_cloud_ai_platform.trainer import executor

    client = Recorder(
        create_custom_job=Answer(name="projects/p/customJobs/1"),
        get_custom_job=Answer(state=JobState.JOB_STATE_SUCCEEDED),
    )
    monkeypatch.setattr(training_clients.gapic, "JobServiceClient", lambda client_options: client)
    executor.GenericExecutor().Do(node.inputs, node.outputs, node.properties)
    sent = client.calls[0][2]
    assert sent["parent"] == "projects/p/locations/europe-west4"
    CustomJob(sent["custom_job"])  # a field that Vertex AI does not know is an error
    return sent["custom_job"]["job_spec"]


def _start(command: list[str], machine: dict[str, Any], scratch: Path) -> subprocess.Popen[str]:
    scratch.mkdir()
    # What the Dockerfile sets, and what Vertex AI tells each machine.
    environment = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'edge'}", "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "1",
        "TF_CONFIG": json.dumps(machine), "TMPDIR": str(scratch),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, *command[1:]], env={**os.environ, **environment}, cwd=scratch, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("localhost", 0))
    found = [f"localhost:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    return found


def test_two_machines_learn_what_one_learns_on_the_same_global_batch_and_the_chief_writes_the_model(
    make_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfx.components.trainer import executor

    together = make_node("together", REPLICA_BATCH)
    pools = _job(together, monkeypatch)["worker_pool_specs"]
    assert [pool["replica_count"] for pool in pools] == [1, 1]
    kinds = ("chief", "worker")
    cluster = {kind: [address] for kind, address in zip(kinds, _free_addresses(2), strict=True)}
    started = [
        _start(
            pool["container_spec"]["command"],
            {"cluster": cluster, "task": {"type": kind, "index": 0}},
            tmp_path / f"{kind}-scratch",
        )
        for kind, pool in zip(kinds, pools, strict=True)
    ]
    for process in started:
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, said[-4000:]
    alone = make_node("alone", 2 * REPLICA_BATCH)
    executor.GenericExecutor().Do(alone.inputs, alone.outputs, alone.properties)

    record, expected = together.record(), alone.record()
    assert (record["replicas"], expected["replicas"]) == (2, 1)
    assert_same(record["history"], expected["history"])
    for ours, theirs in zip(together.weights(), alone.weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    assert Path(together.outputs["model"][0].uri, "Format-Serving", "saved_model.pb").is_file()
    # The other worker learns the same, and writes nothing that the next node would read.
    assert not list((tmp_path / "chief-scratch").rglob("saved_model.pb"))
    [own] = (tmp_path / "worker-scratch").rglob("training")
    assert_same(json.loads((own / "history.json").read_text())["history"], record["history"])
    for ours, theirs in zip(weights(own), together.weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    # A next training on the same machines must not take this one's checkpoints for its own.
    assert not list((tmp_path / "together").rglob("ckpt*"))
