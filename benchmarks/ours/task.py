"""The rows of a task's latest run, and what its server model and its bundle answered to `test`.

    python -m benchmarks.ours.task --config FILE --profile NAME --root FOLDER --out FILE

Writes JSON: `rows`, by split the `rows` (texts, or records of all columns) and their `labels`; `text`, the field of a
record that holds the text, empty where rows are texts; `columns`, the type of each other field; `server`, label names,
one a row of `test`, as TestEvaluator recorded them; and what `benchmarks.ours.drafted.shipped` tells.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

from benchmarks.ours.drafted import ended, shipped
from pipeline import nodes

SPLITS = ("train", "eval", "test")


def answers(config: Any, root: Path, run_id: str) -> dict[str, Any]:
    """Reads what a run left.

    Args:
        config: the task's configuration; its target has one label a row.
        root: folder of its runs.
        run_id: which.

    Raises:
        RuntimeError: the run failed.
    """
    from modules.artifact_files import PREDICTIONS_FILE
    from modules.device.records import rows_of
    from modules.inputs import kinds
    from modules.quality import predictions
    from modules.quality.comparison import paired_rows
    from modules.rows.raw import read_raw_split

    summary, outputs = ended(config, root, run_id)
    reported = nodes.reported()
    names, others = config.target.names, kinds.table(config.inputs)
    identity = kinds.identity_column(config.inputs)
    text = identity if others else ""
    splits = {
        name: read_raw_split(
            [f"{outputs.uri(*reported['examples'])}/Split-{name}/*"],
            text=identity, target=config.target, slices=[], others=others,
        )
        for name in SPLITS
    }  # fmt: skip
    judged, _ = predictions.read(f"{outputs.uri(*reported['test_evaluation'])}/{PREDICTIONS_FILE}")
    asked, given = paired_rows(splits["test"].text_hashes, judged["test"].text_hash)
    if len(asked) != len(splits["test"].texts):
        raise RuntimeError(f"TestEvaluator answered {len(asked)} of {len(splits['test'].texts)} rows of test")
    rows = {
        name: {"rows": rows_of(split, text, records=bool(others)), "labels": [names[label] for label in split.labels]}
        for name, split in splits.items()
    }
    return {
        "rows": rows,
        "text": text,
        "columns": dict(others),
        "server": [names[judged["test"].predicted[row]] for row in given],
        **shipped(summary, rows["test"]["rows"]),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--config", "--profile"):
        parser.add_argument(name, required=True)
    for name in ("--root", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args(arguments)
    from pipeline.config import loader
    from pipeline.history.paths import LATEST, TaskPaths

    config = loader.load(options.config, profile=options.profile)
    latest = (TaskPaths.of(config, options.root).history / LATEST).resolve().name
    found = answers(config, options.root, latest)
    options.out.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
