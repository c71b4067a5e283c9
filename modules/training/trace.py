"""The profile of some training steps as a table: which operations took the time.

TensorBoard draws a profile only with a plugin that is no part of TensorFlow. TensorFlow itself can sum it up, and the
table goes where every TensorBoard shows it: the Text tab.
"""

from __future__ import annotations

import json
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.machine import progress
from modules.tf_gaps.profile_table import profile_table

import tensorflow as tf

_TOP = 20
_TOOL = "framework_op_stats"
_COLUMNS = {
    "host_or_device": "where",
    "type": "type",
    "operation": "operation",
    "occurrences": "occurrences",
    "total_self_time": "self_us",
}


def summarise(log_dir: str) -> list[dict[str, Any]]:
    """Sums up the newest profile below a log folder, and writes the table for TensorBoard's Text tab.

    Args:
        log_dir: folder that the TensorBoard callback wrote; any path that `tf.io.gfile` knows.

    Returns:
        The operations that took most time of their own, most first: `where`, `type`, `operation`, `occurrences` and
        `self_us` (microseconds over all profiled steps). Empty, with a word about it, where no step was profiled: a
        training is not thrown away for that.
    """
    files = sorted(tf.io.gfile.glob(f"{log_dir}/plugins/profile/*/*.xplane.pb"))
    if not files:
        progress.tell("no step was profiled: the training ended before the first of trainer.profile_steps")
        return []
    rows = _rows(json.loads(profile_table(files[-1], _TOOL)))[:_TOP]
    lines = ["| " + " | ".join(_COLUMNS.values()) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(str(row[name]).replace("|", "/") for name in _COLUMNS.values()) + " |" for row in rows]
    writer = tf.summary.create_file_writer(log_dir)
    with writer.as_default(step=0):
        tf.summary.text("profile", "\n".join(lines))
    writer.close()
    progress.tell(f"profiled: most time in {rows[0]['operation']} ({rows[0]['type']})", profile=rows)
    return rows


def _rows(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first table (time in which nothing ran left out) in the form of Google's charts, as plain rows."""
    table = tables[0]
    names = [column["id"] for column in table["cols"]]
    rows = [dict(zip(names, (cell["v"] for cell in row["c"]), strict=True)) for row in table["rows"]]
    kept = [{told: row[name] for name, told in _COLUMNS.items()} for row in rows if row["operation"] != "IDLE"]
    return sorted(kept, key=lambda row: -row["self_us"])
