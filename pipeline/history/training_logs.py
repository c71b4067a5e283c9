"""What TensorBoard shows of a run: the curves of training, the trials of the search, profiles; imports no TensorFlow.

Which nodes leave such logs, and where, is in the table of nodes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline import nodes
from pipeline.history.paths import TaskPaths
from pipeline.history.store import RunOutputs, connection

FOLDER = "tensorboard"


def gather(paths: TaskPaths, run_id: str) -> Path | None:
    """Puts links to a run's logs into one folder, `history/<run-id>/tensorboard`.

    Args:
        paths: of the task.
        run_id: the run.

    Returns:
        The folder, with `trainer` and a `search-…` for each search of the task; None if there are no logs.
    """
    links: dict[str, Path] = {}
    outputs = RunOutputs(connection(paths), run_id)
    for node, row in nodes.rows().items():
        if row.logs is None:
            continue
        if row.logs.output:
            folder = outputs.uri(node, row.logs.output)
            if folder and any(Path(folder).rglob("events.out.tfevents.*")):
                links[row.logs.name] = Path(folder)
        else:
            for found in sorted((paths.pipeline_root / node).glob(row.logs.pattern)):
                links[f"{row.logs.name}-{found.parent.name[:8]}"] = found
    if not links:
        return None
    shown = paths.run_dir(run_id) / FOLDER
    shown.mkdir(exist_ok=True)
    for old in shown.iterdir():
        old.unlink()
    for name, target in links.items():
        (shown / name).symlink_to(target, target_is_directory=True)
    return shown


def serve(folder: Path, port: int) -> None:
    """Starts TensorBoard, which prints its address, and waits for it to end.

    Args:
        folder: the logs.
        port: where it listens; 0 takes any free one.
    """
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port)]
    # The Rust reader ("fast") does not follow links.
    process = subprocess.Popen(
        [*command, "--load_fast", "false", "--host", "localhost"],
        env={**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
