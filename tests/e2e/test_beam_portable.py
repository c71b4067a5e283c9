"""Beam's portable path: the nodes' pipelines run on an external job service with workers in processes of their own.

Flink's and Spark's job servers speak the same protocol, and the settings are those that docs/scale.md gives for them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import modules  # noqa: F401

import pytest
import tiny

from pipeline.config import loader
from pipeline.local import session
from tests import compiled

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
SPLITS = ("train", "eval", "test")
# Beam's own worker pool starts a worker by this script, as it starts the boot program in an image.
BOOT = """#!{python}
import os, sys
from google.protobuf import text_format
given = dict(item.removeprefix("--").split("=", 1) for item in sys.argv[1:])
descriptor = 'url: "%s"'
os.environ["WORKER_ID"] = given["id"]
os.environ["CONTROL_API_SERVICE_DESCRIPTOR"] = descriptor % given["control_endpoint"]
os.environ["LOGGING_API_SERVICE_DESCRIPTOR"] = descriptor % given["logging_endpoint"]
os.environ["PIPELINE_OPTIONS"] = "{{}}"
sys.path.insert(0, "{root}")
with open("{marker}", "a") as out:
    out.write(given["id"] + "\\n")
from apache_beam.runners.worker import sdk_worker_main
sdk_worker_main.main([])
"""


def _free_port() -> int:
    with socket.socket() as item:
        item.bind(("localhost", 0))
        return item.getsockname()[1]


@contextlib.contextmanager
def _service(*command: str) -> Iterator[None]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int) -> None:
    for _ in range(240):
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return
        time.sleep(0.25)
    raise TimeoutError(f"nothing listens on port {port}")


@dataclasses.dataclass(frozen=True)
class Services:
    """What stands in for a cluster of Flink or Spark.

    Attributes:
        settings: the configuration's, as docs/scale.md gives them.
        started: a line for each worker that was started.
    """

    settings: tuple[str, ...]
    started: Path

    def workers(self) -> int:
        """How many there have been."""
        return len(self.started.read_text().splitlines()) if self.started.is_file() else 0


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("beam")
    job_port, pool_port = _free_port(), _free_port()
    boot, started = folder / "boot", folder / "workers"
    boot.write_text(BOOT.format(python=sys.executable, root=ROOT, marker=started))
    boot.chmod(0o755)
    with (
        _service("apache_beam.runners.portability.local_job_service_main", "--port", str(job_port)),
        _service(
            "apache_beam.runners.worker.worker_pool_main", "--service_port", str(pool_port),
            "--container_executable", str(boot),
        ),
    ):  # fmt: skip
        _wait_for(job_port)
        _wait_for(pool_port)
        values = {
            "runner": "flink", "job_endpoint": f"'localhost:{job_port}'", "worker_pool": f"'localhost:{pool_port}'"
        }  # fmt: skip
        yield Services(tuple(f"platform.beam.{name}={value}" for name, value in values.items()), started)


def _execute(task: tiny.TinyTask, folder: Path, settings: Sequence[str]) -> Path:
    """Compiles and runs the nodes up to Transform; the folder of their artifacts."""
    for command in (
        ["compile", "-c", str(task.config), "-p", "quick", "-e", "kubeflow", "--image", "registry/e:1", "--local",
         "--pipeline-root", str(folder), "-o", str(folder / "pipeline.yaml"),
         *(part for item in settings for part in ("--set", item))],
        ["execute", str(folder / "pipeline.yaml"), "--root", str(folder), "--fork", "--until", "Transform"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "kubeflow_runner.py", *command], cwd=ROOT, text=True, capture_output=True, timeout=600
        )
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:]
    [run] = (folder / "pipeline_root").glob("v2/artifacts/edgeline-tiny/*")
    return run


def _records(folder: Path) -> dict[str, list[bytes]]:
    """All records of each split; Beam promises no order, nor does a record of its features."""
    import tensorflow as tf

    found: dict[str, list[bytes]] = {}
    for split in sorted(folder.glob("Split-*")):  # beside them lies the quarantine
        files = sorted(str(file) for file in split.glob("*.gz"))
        found[split.name] = sorted(
            tf.train.Example.FromString(record).SerializeToString(deterministic=True)
            for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
        )
    return found


def test_an_external_job_service_gives_the_same_artifacts_as_memory(
    task: tiny.TinyTask, first_run: session.Outcome, services: Services, tmp_path: Path
) -> None:
    before = services.workers()
    portable = _execute(task, tmp_path, services.settings)

    assert services.workers() - before >= 3, "each node's pipeline was to have workers of its own"
    in_memory = first_run.run_dir.parent.parent / "pipeline_root"
    for node, output in (("ExampleGen", "examples"), ("Transform", "transformed_examples")):
        expected = _records(_first(in_memory / node / output))
        assert set(expected) == {f"Split-{name}" for name in SPLITS}
        assert _records(portable / node / output) == expected
    for split in SPLITS:
        [expected_file] = (in_memory / "StatisticsGen" / "statistics").glob(f"*/Split-{split}/FeatureStats.pb")
        assert _features(portable / "StatisticsGen" / "statistics" / f"Split-{split}" / "FeatureStats.pb") == _features(
            expected_file
        )


@pytest.mark.parametrize("node", ["Evaluator", "TestEvaluator"])
def test_an_external_job_service_measures_and_judges_a_model_as_memory_does(
    task: tiny.TinyTask,
    first_run: session.Outcome,
    services: Services,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    node: str,
) -> None:
    from tfx.components.evaluator import executor
    from tfx.dsl.components.base import base_beam_executor

    from pipeline.kubeflow.compile import beam_args, compile
    from pipeline.kubeflow.compile.checked_target import make_target

    config = loader.load(task.config, profile="quick", overrides=services.settings)
    goal = make_target(config, engine="kubeflow", image="e:1", pipeline_root=str(tmp_path), local=True)
    in_memory = first_run.run_dir.parent.parent / "pipeline_root"
    outputs = {"evaluation": compiled.artifact("ModelEvaluation", tmp_path / "evaluation")}
    if node == "Evaluator":
        outputs["blessing"] = compiled.artifact("ModelBlessing", tmp_path / "blessing")
    monkeypatch.setattr(sys, "argv", ["node"])  # TFX would take pytest's own options for its flags
    before = services.workers()
    arguments = beam_args.beam_args(config, goal)[node]
    executor.Executor(
        base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=arguments, tmp_dir=str(tmp_path / "temp"), unique_id="1"
        )
    ).Do(
        {
            "examples": compiled.artifact("Examples", _first(in_memory / "ExampleGen" / "examples"), SPLITS),
            "model": compiled.artifact("Model", _first(in_memory / "Trainer" / "model")),
        },
        outputs,
        compiled.properties(compile.compile_pipeline(config, goal), node),
    )

    assert services.workers() > before, "the pipeline was to have workers of its own"
    measured, expected = (
        _metrics(folder) for folder in (tmp_path / "evaluation", _first(in_memory / node / "evaluation"))
    )
    assert {"accuracy", "macro_f1"} <= set(expected[()])
    assert set(measured) == set(expected)
    for slice_, metrics in expected.items():
        assert measured[slice_] == pytest.approx(metrics, rel=1e-6, nan_ok=True), slice_
    if node == "Evaluator":
        judged = sorted(item.name for item in (tmp_path / "blessing").iterdir())
        assert judged == sorted(item.name for item in _first(in_memory / node / "blessing").iterdir())


def _first(folder: Path) -> Path:
    """The first execution's artifact; other tests may have run the same task with other settings since."""
    return min((item for item in folder.iterdir() if item.name.isdigit()), key=lambda item: int(item.name))


def _features(file: Path) -> dict[str, tuple[int, int]]:
    """Counts of each feature: quantiles are sketches, whose last digits depend on how rows were bundled."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    content = file.read_bytes()
    statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(
        gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    )
    [dataset] = statistics.datasets
    return {
        feature.path.step[0]: (feature.string_stats.common_stats.num_non_missing, feature.string_stats.unique)
        for feature in dataset.features
    }


def _metrics(folder: Path) -> dict[tuple, dict[str, float]]:
    """All numbers of an evaluation, by slice and metric."""
    import tensorflow_model_analysis as tfma

    found = {}
    for slice_, outputs in tfma.load_eval_result(str(folder)).slicing_metrics:
        [by_class] = outputs.values()
        found[slice_] = {
            f"{name}{key}": value["doubleValue"]
            for key, metrics in by_class.items()
            for name, value in metrics.items()
            if "doubleValue" in value
        }
    return found
