"""Beam's portable path: the nodes' pipelines run on an external job service with workers in processes of their own.

Flink's and Spark's job servers speak the same protocol, and the settings are those that docs/scale.md gives for them.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import modules  # noqa: F401

import pytest
import tiny

from pipeline.orchestration import session

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
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


def _execute(task: tiny.TinyTask, folder: Path, *settings: str) -> Path:
    """Compiles and runs the nodes up to Transform; the folder of their artifacts."""
    for command in (
        ["compile", "-c", str(task.config), "-p", "quick", "-e", "kubeflow", "--image", "registry/e:1", "--local",
         "--pipeline-root", str(folder), "-o", str(folder / "pipeline.yaml"), *settings],
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
    for split in sorted(folder.iterdir()):
        files = sorted(str(file) for file in split.glob("*.gz"))
        found[split.name] = sorted(
            tf.train.Example.FromString(record).SerializeToString(deterministic=True)
            for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
        )
    return found


def test_an_external_job_service_gives_the_same_artifacts_as_memory(
    task: tiny.TinyTask, first_run: session.Outcome, tmp_path: Path
) -> None:
    job_port, pool_port = _free_port(), _free_port()
    boot, marker = tmp_path / "boot", tmp_path / "workers"
    boot.write_text(BOOT.format(python=sys.executable, root=ROOT, marker=marker))
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
        portable = _execute(
            task, tmp_path / "portable", "--set", "platform.beam.runner=flink", "--set",
            f"platform.beam.job_endpoint='localhost:{job_port}'", "--set",
            f"platform.beam.worker_pool='localhost:{pool_port}'",
        )  # fmt: skip

    assert len(marker.read_text().splitlines()) >= 3, "each node's pipeline was to have workers of its own"
    in_memory = first_run.run_dir.parent.parent / "pipeline_root"
    for node, output in (("ExampleGen", "examples"), ("Transform", "transformed_examples")):
        expected = _records(_first(in_memory / node / output))
        assert set(expected) == {"Split-train", "Split-eval", "Split-test"}
        assert _records(portable / node / output) == expected
    for split in ("Split-train", "Split-eval", "Split-test"):
        [expected_file] = (in_memory / "StatisticsGen" / "statistics").glob(f"*/{split}/FeatureStats.pb")
        assert _features(portable / "StatisticsGen" / "statistics" / split / "FeatureStats.pb") == _features(
            expected_file
        )


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
