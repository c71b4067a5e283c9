"""The image without a Docker engine: the Dockerfile's own commands in an empty folder, and a node that runs there.

`make image-check` installs the packages as well, by the Dockerfile's command, and adds up the size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import image_tree
import pytest

ROOT = Path(__file__).resolve().parents[2]
FULL = bool(os.environ.get("EDGELINE_FULL_IMAGE"))
SCHEMA = {"instanceSchema": "title: tfx.Schema\ntype: object\n"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_tree.make(tmp_path_factory.mktemp("image") / "tree", install=FULL)


def test_the_image_holds_what_nodes_need_and_nothing_else(image: Path) -> None:
    held = {str(path.relative_to(image / "app")) for path in (image / "app").rglob("*") if path.is_file()}
    assert {"pipeline/kubeflow/container/main.py", "modules/trainer.py", "uv.lock"} <= held
    assert {"schemas/sentiment/schema.pbtxt", "edge/pyproject.toml", "configs/sentiment.yaml"} <= held
    tops = {path.split("/")[0] for path in held}
    assert not tops & {"tests", "docs", "runs", ".git", ".venv", "benchmarks", "Dockerfile"}
    assert not [path for path in held if path.startswith(("edge/tests", "edge/web")) or path.endswith(".pyc")]


def test_a_secret_or_a_run_in_the_project_never_gets_into_the_image() -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for path in (".env", "key.json", "runs/a/metadata.db", "configs/__pycache__/a.pyc", "edge/web/node_modules/a.js"):
        assert image_tree.ignored(path, patterns), path
    assert not image_tree.ignored("modules/machine/devices.py", patterns)


@pytest.mark.slow
def test_the_container_entry_point_runs_a_node_in_the_tree(image: Path, tmp_path: Path) -> None:
    python = str(image / "opt/venv/bin/python") if FULL else sys.executable
    given = {
        "inputs": {"parameterValues": {"schema_file": "replaced", "schema": "schemas/sentiment/schema.pbtxt"}},
        "outputs": {
            "artifacts": {"schema": {"artifacts": [{"uri": str(tmp_path / "out"), "type": SCHEMA}]}},
            "outputFile": str(tmp_path / "task" / "output.json"),
        },
    }
    options = {"bindings": [{"parameter": "schema", "prop": "schema_file"}]}
    done = subprocess.run(
        [
            python, "-m", "pipeline.kubeflow.container.main", "--edgeline", json.dumps(options),
            "--executor_class_path", "tfx.components.schema_gen.import_schema_gen.executor.Executor",
            "--json_serialized_invocation_args", json.dumps(given), "--json_serialized_inputs_spec_args",
            '{"parameters": {"schema_file": {"parameterType": "STRING"}}}',
        ],
        cwd=image / "app", text=True, capture_output=True,
        # Nothing of this machine's environment but what the Dockerfile sets.
        env={"PATH": f"{Path(python).parent}:/usr/bin:/bin", "PYTHONPATH": str(image / "app"), "HOME": str(tmp_path),
             "TF_USE_LEGACY_KERAS": "1", "EDGELINE_CACHE": str(image / "opt/edgeline-cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    written = (tmp_path / "out" / "schema.pbtxt").read_text()
    assert written == (image / "app" / "schemas/sentiment/schema.pbtxt").read_text()
    assert json.loads((tmp_path / "task" / "output.json").read_text())["artifacts"]["schema"]


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="installs all packages; `make image-check` does")
def test_the_image_stays_below_four_gigabytes_and_has_its_data(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.machine import image_size

    with capsys.disabled():
        print("\n" + image_size.report(image))
    assert sum(image_size.parts(image).values()) < image_size.LIMIT
    assert list((image / "opt/edgeline-cache").rglob("sentiment.csv"))
    assert list((image / "opt/edgeline-cache").rglob("model.safetensors"))
