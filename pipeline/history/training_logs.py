"""What TensorBoard shows of a run: Trainer's curves, the trials of the search, and profiles; imports no TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.history.paths import TaskPaths
from pipeline.history.store import RunOutputs, connection

FOLDER = "tensorboard"
# Where `modules.tuner` keeps the logs of its trials, below the node's folder.
TRIALS = ".backup/*/tensorboard"


def gather(paths: TaskPaths, run_id: str) -> Path | None:
    """Puts links to a run's logs into one folder, `history/<run-id>/tensorboard`.

    Args:
        paths: of the task.
        run_id: the run.

    Returns:
        The folder, with `trainer` and a `search-…` for each search of the task; None if there are no logs.
    """
    links: dict[str, Path] = {}
    model_run = RunOutputs(connection(paths), run_id).uri("Trainer", "model_run")
    if model_run and any(Path(model_run).rglob("events.out.tfevents.*")):
        links["trainer"] = Path(model_run)
    for trials in sorted((paths.pipeline_root / "Tuner").glob(TRIALS)):
        links[f"search-{trials.parent.name[:8]}"] = trials
    if not links:
        return None
    folder = paths.run_dir(run_id) / FOLDER
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, target in links.items():
        (folder / name).symlink_to(target, target_is_directory=True)
    return folder


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
