"""`benchmarks/data_plane.py` measures the nodes that a run executes, and plain TFX's beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def test_every_node_of_both_sides_is_measured_and_no_generated_file_stays(tmp_path: Path) -> None:
    task = tiny.make(tmp_path / "tiny")
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.data_plane", "--config", str(task.config), "--rows", "300", "--workers", "1",
         "--json", "--results", str(tmp_path), "--profiles", str(tmp_path / "profiles")],
        cwd=ROOT, text=True, capture_output=True, timeout=800, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    measured = json.loads(done.stdout)["details"]["measurements"]
    assert json.loads((tmp_path / "data_plane.json").read_text())["details"]["measurements"] == measured
    assert {(item["side"], item["node"]) for item in measured} == {
        (side, node)
        for side in ("edgeline", "plain")
        for node in ("ExampleGen", "StatisticsGen", "Transform", "all three")
    }
    for item in measured:
        assert item["rows"] == 300
        assert item["seconds"] > 0
        assert item["peak_bytes"] > item["base_bytes"] > 100e6
    assert (tmp_path / "profiles" / "edgeline-1-300-Transform.prof").is_file()
    # TensorFlow's own traces aside.
    left = [path for path in (tmp_path / "temporary").iterdir() if not path.name.startswith("__")]
    assert left == []
