"""Trainer and Tuner on two machines: the very job that Vertex AI would get, its command started twice here.

Joined by TF_CONFIG, two machines learn what one learns on the same global batch. `make kfp-e2e` runs the search as
well, whose server of trials takes a minute to end.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.network.trained import load_trained

import numpy as np
import pytest
import tensorflow as tf
import tiny

from pipeline.config import loader
from pipeline.local import session
from tests import compiled
from tests.recorder import Answer, Recorder

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
LENGTH, ROWS, REPLICA_BATCH = 24, {"train": 64, "eval": 32}, 8


@dataclasses.dataclass(frozen=True)
class Node:
    """What a node gets and where it writes.

    Attributes:
        inputs: artifacts by input.
        outputs: artifacts by output.
        properties: execution properties.
    """

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    properties: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """The history of Trainer's training."""
        return json.loads(Path(self.outputs["model"][0].uri, "training", "history.json").read_text())

    def weights(self) -> list[np.ndarray]:
        """Of the model that Trainer wrote."""
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
    """A node as it is compiled for Vertex AI Training with two machines, on the examples."""
    from pipeline.kubeflow.compile import compile
    from pipeline.kubeflow.compile.checked_target import make_target

    config = loader.load(
        task.config,
        profile="quick",
        overrides=(
            "platform.vertex={project: p, region: europe-west4, training: {workers: 2, parallel_trials: 2}}",
            *(f"trainer.{item}" for item in ("epochs=2", "dropout=0.0", "checkpoint_steps=2")),
            "tuner.trials=3",
        ),
    )
    goal = make_target(config, engine="vertex", image="registry/e:1", pipeline_root="gs://bucket/root", local=True)
    specification = compile.compile_pipeline(config, goal)
    graph = max((first_run.run_dir.parent.parent / "pipeline_root/Transform/transform_graph").iterdir())

    def make(component: str, folder: str, batch_size: int, **outputs: str) -> Node:
        properties = compiled.properties(specification, component)
        settings = json.loads(properties["custom_config"])
        settings["trainer"]["batch_size"] = batch_size
        return Node(
            {
                "examples": compiled.artifact("Examples", examples, list(ROWS)),
                "transform_graph": compiled.artifact("TransformGraph", graph),
            },
            {name: compiled.artifact(kind, tmp_path / folder / name / "1") for name, kind in outputs.items()},
            {**properties, "custom_config": json.dumps(settings)},
        )

    return make


def assert_same(history: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert set(history) == set(expected)
    for name, values in expected.items():
        assert history[name] == pytest.approx(values, rel=1e-4), name


def _commands(executor: Any, node: Node, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command of each machine, from the job that TFX's own executor asks Vertex AI for."""
    from google.cloud.aiplatform_v1.types import CustomJob, JobState
    from tfx.extensions.google_cloud_ai_platform import training_clients

    client = Recorder(
        create_custom_job=Answer(name="projects/p/customJobs/1"),
        get_custom_job=Answer(state=JobState.JOB_STATE_SUCCEEDED),
    )
    monkeypatch.setattr(training_clients.gapic, "JobServiceClient", lambda client_options: client)
    executor.Do(node.inputs, node.outputs, node.properties)
    sent = client.calls[0][2]
    assert sent["parent"] == "projects/p/locations/europe-west4"
    CustomJob(sent["custom_job"])  # a field that Vertex AI does not know is an error
    pools = sent["custom_job"]["job_spec"]["worker_pool_specs"]
    assert [(pool["replica_count"], pool["container_spec"]["image_uri"]) for pool in pools] == [(1, "registry/e:1")] * 2
    return [pool["container_spec"]["command"] for pool in pools]


def _run(commands: list[list[str]], cluster_spec: bool, folder: Path) -> list[Path]:
    """Runs them at the same time, each as a machine of its own; their scratch folders, the chief's first."""
    addresses = _free_addresses(len(commands))
    kinds = ("chief", "worker")
    pools = ("workerpool0", "workerpool1")
    started, scratch = [], []
    for index, command in enumerate(commands):
        scratch.append(folder / f"{kinds[index]}-scratch")
        scratch[-1].mkdir()
        # What the Dockerfile sets, and what Vertex AI tells each machine.
        environment = {
            "PYTHONPATH": f"{ROOT}:{ROOT / 'edge'}", "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "1",
            "TMPDIR": str(scratch[-1]), "TF_CONFIG": _machine(kinds, addresses, index),
        }  # fmt: skip
        if cluster_spec:
            environment["CLUSTER_SPEC"] = _machine(pools, addresses, index)
        started.append(
            subprocess.Popen(
                [sys.executable, *command[1:]], env={**os.environ, **environment}, cwd=scratch[-1],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
        )  # fmt: skip
    for process in started:
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, said[-4000:]
    return scratch


def _machine(kinds: Sequence[str], addresses: Sequence[str], index: int) -> str:
    cluster = {kind: [address] for kind, address in zip(kinds, addresses, strict=True)}
    return json.dumps({"cluster": cluster, "task": {"type": kinds[index], "index": 0}})


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
    from tfx.extensions.google_cloud_ai_platform.trainer import executor as cloud

    outputs = {"model": "Model", "model_run": "ModelRun"}
    together = make_node("Trainer", "together", REPLICA_BATCH, **outputs)
    commands = _commands(cloud.GenericExecutor(), together, monkeypatch)
    chief, worker = _run(commands, cluster_spec=False, folder=tmp_path)
    alone = make_node("Trainer", "alone", 2 * REPLICA_BATCH, **outputs)
    executor.GenericExecutor().Do(alone.inputs, alone.outputs, alone.properties)

    record, expected = together.record(), alone.record()
    assert (record["replicas"], expected["replicas"]) == (2, 1)
    assert_same(record["history"], expected["history"])
    for ours, theirs in zip(together.weights(), alone.weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    assert Path(together.outputs["model"][0].uri, "Format-Serving", "saved_model.pb").is_file()
    # The other worker learns the same, and writes nothing that the next node would read.
    assert not list(chief.rglob("saved_model.pb"))
    [own] = worker.rglob("training")
    assert_same(json.loads((own / "history.json").read_text())["history"], record["history"])
    for ours, theirs in zip(weights(own), together.weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    # A next training on the same machines must not take this one's checkpoints for its own.
    assert not list((tmp_path / "together").rglob("ckpt*"))


@pytest.mark.skipif("EDGELINE_EVERY_NODE_A_PROCESS" not in os.environ, reason="takes minutes; `make kfp-e2e` does it")
def test_two_machines_search_side_by_side_and_the_best_is_written_once(
    make_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfx.extensions.google_cloud_ai_platform.tuner import executor

    node = make_node(
        "Tuner", "search", REPLICA_BATCH, best_hyperparameters="HyperParameters", tuner_results="TunerResults"
    )
    kept = Path(executor._WORKING_DIRECTORY, ".backup")  # TFX leaves no choice; on a machine of its own nobody minds
    before = set(kept.glob("*"))
    _run(_commands(executor.Executor(), node, monkeypatch), cluster_spec=True, folder=tmp_path)
    for folder in set(kept.glob("*")) - before:
        shutil.rmtree(folder)
    [best] = Path(node.outputs["best_hyperparameters"][0].uri).iterdir()
    [results] = Path(node.outputs["tuner_results"][0].uri).iterdir()
    tried = json.loads(results.read_text())
    assert len(tried) == 3
    assert json.loads(best.read_text())["values"]["dropout"] == max(tried, key=lambda trial: trial["score"])["dropout"]
