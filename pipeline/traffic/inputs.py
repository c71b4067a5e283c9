"""The inputs of a window's rows against what was trained on: summarised and compared as ExampleValidator's are."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.inputs import kinds
from modules.inputs.profiles import profile_file
from modules.tensors import raw_example

from pipeline.config.task import Config
from pipeline.monitoring.judged import judge
from pipeline.traffic.log import Row


def readable(config: Config, rows: Sequence[Row]) -> list[Mapping[str, str]]:
    """The columns that the inputs read, of the rows that have them all: a log may hold hashes in place of texts.

    Args:
        config: of the task.
        rows: of the log.
    """
    columns = kinds.columns(config.inputs)
    needed = {column.name for column in columns if not column.type.startswith("optional")}
    return [
        {column.name: row.values[column.name] for column in columns if row.values.get(column.name)}
        for row in rows
        if needed <= row.values.keys() and all(column.readable(row.values.get(column.name, "")) for column in columns)
    ]


def distances(config: Config, rows: Sequence[Mapping[str, str]], before: Mapping[str, str]) -> list[dict[str, Any]]:
    """How far the inputs of some rows are from what was trained on.

    Args:
        config: of the task.
        rows: values by column, as `readable` gives them.
        before: by name of the file that StatisticsGen leaves for an input, its content.

    Returns:
        `pipeline.monitoring.judged.Judged`, as JSON values.
    """
    if not rows or not before:
        return []
    now = profiles(config, rows)
    return [
        dataclasses.asdict(item)
        for item in judge(config.inputs, lambda file: (now.get(file), before.get(file)), config.validator)
    ]


def profiles(config: Config, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What StatisticsGen would leave of some rows: by name of the file, its content.

    Args:
        config: of the task.
        rows: values by column.
    """
    import tensorflow as tf

    types = {column.name: column for column in kinds.columns(config.inputs)}
    with tempfile.TemporaryDirectory(prefix="edgeline-monitor-") as folder:
        path = str(Path(folder) / "rows.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for values in rows:
                writer.write(raw_example(values, types).SerializeToString(deterministic=True))
        return {
            profile_file(name): summarise(part, [path], label=None, sample=config.validator.sample_rows).to_json()
            for name, (part, summarise) in kinds.playing(config.inputs, "statistics").items()
        }
