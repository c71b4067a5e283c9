"""Runs the whole pipeline once in this process and tells what each node took.

    python -m benchmarks.ours.growth --data FILE --root FOLDER --out FILE

Writes JSON: by node `seconds`, `peak_bytes` (largest resident memory while it ran) and `added_bytes` (that, less what
was resident when it began), and `imports_bytes`, what was resident before the first node.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

from benchmarks.harness import memory
from benchmarks.harness.progress import say

CONFIG = Path(__file__).resolve().parents[1] / "growth.yaml"


class Observer:
    """Takes time and peak memory of each node."""

    def __init__(self) -> None:
        """Begins without any node."""
        self.nodes: dict[str, dict[str, Any]] = {}
        self._before = 0

    def started(self, node: str) -> None:
        """A node begins."""
        say(node)
        gc.collect()
        memory.reset_peak()
        self._before = memory.resident_bytes()

    def ended(self, result: Any) -> None:
        """A node has ended."""
        peak = memory.peak_bytes()
        self.nodes[result.node] = {
            "seconds": result.seconds, "state": result.state, "peak_bytes": peak,
            "added_bytes": max(0, peak - self._before),
        }  # fmt: skip


def run(data: Path, root: Path) -> dict[str, Any]:
    """Runs the pipeline of `benchmarks/growth.yaml` on a CSV file.

    Raises:
        NodeError: a node failed.
    """
    from pipeline.config import loader
    from pipeline.history.paths import TaskPaths
    from pipeline.local import execute, session

    config = loader.load(CONFIG, data=str(data))
    paths = TaskPaths.of(config, root)
    paths.root.mkdir(parents=True, exist_ok=True)
    ir = session.compile_task(config, paths, data)
    imports, observer = memory.resident_bytes(), Observer()
    execute.run(ir, "growth", observer)
    return {"nodes": observer.nodes, "imports_bytes": imports}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--data", "--root", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args(arguments)
    options.out.write_text(json.dumps(run(options.data, options.root)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
