"""What the latest run of a drafted task answers to rows that it never saw: the server model's answers and the bundle's.

    python -m benchmarks.ours.drafted --config FILE --profile NAME --root FOLDER --texts FILE --out FILE

`--texts` is a JSON list. Writes JSON: `server`, label names, one a text; `bundle`, the same or null where none shipped;
`blessed` and `why`, bounds that were missed; `bytes` and `variant` of the bundle; `variants`, those that there were,
each with the bounds that it missed; `seconds` of the run, null where it went on with an earlier one; and `training`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import numpy as np

from benchmarks.harness.progress import say
from pipeline import nodes

if TYPE_CHECKING:
    from pipeline.history.store import RunOutputs

_BATCH = 64


def answers(config: Any, root: Path, run_id: str, texts: Sequence[str]) -> dict[str, Any]:
    """Asks server model and bundle.

    Args:
        config: the task's configuration.
        root: folder of its runs.
        run_id: which.
        texts: what they are asked.

    Raises:
        RuntimeError: the run failed.
    """
    summary, outputs = ended(config, root, run_id)
    model = outputs.uri(*nodes.reported()["model"])
    return {"server": _served(Path(str(model)) / "Format-Serving", texts), **shipped(summary, texts)}


def ended(config: Any, root: Path, run_id: str) -> tuple[dict[str, Any], RunOutputs]:
    """The summary of a run, and where what it made lies.

    Args:
        config: the task's configuration.
        root: folder of its runs.
        run_id: which.

    Raises:
        RuntimeError: the run failed.
    """
    from pipeline.history.paths import SUMMARY, TaskPaths
    from pipeline.history.store import RunOutputs, connection

    paths = TaskPaths.of(config, root)
    summary = json.loads((paths.run_dir(run_id) / SUMMARY).read_text(encoding="utf-8"))
    if summary["error"]:
        raise RuntimeError(f"{summary['failed_node'] or 'the run'}: {summary['error']}")
    return summary, RunOutputs(connection(paths), run_id)


def shipped(summary: Mapping[str, Any], rows: Sequence[Any]) -> dict[str, Any]:
    """What came of a run, and what its bundle answers.

    Args:
        summary: of the run.
        rows: what the bundle is asked: texts, or records.
    """
    found: dict[str, Any] = {
        "bundle": None,
        "bytes": None,
        "blessed": bool(summary["blessed"]),
        "why": [item["message"] for item in summary["not_blessed_because"]],
        "seconds": None if summary["cache_hits"] else summary["seconds"]["total"],
        "training": {name: value for name, value in (summary["training"] or {}).items() if name != "curve"},
        **_variants(summary["edge"]),
    }
    pushed = summary["pushed"]["edge"]
    if pushed:
        bundle = next(path for path in sorted(Path(pushed["path"]).rglob("*.tflite")))
        found |= {"bundle": _on_device(bundle, rows), "bytes": bundle.stat().st_size}
    return found


def _served(folder: Path, texts: Sequence[str]) -> list[str]:
    from modules.quality.predictions import served

    say(f"the server model answers {len(texts):,} texts")
    predict = served(str(folder))
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))  # a batch is as wide as its longest text
    labels = np.empty(len(texts), object)
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        labels[rows] = [_name(label) for label in predict([texts[row] for row in rows])["label"]]
    return labels.tolist()


def _name(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else str(label)


def _on_device(bundle: Path, rows: Sequence[Any]) -> list[str]:
    from edgeline_edge import Classifier

    say(f"the bundle answers {len(rows):,} rows")
    classifier = Classifier.load(bundle, num_threads=1)
    return [prediction.label for prediction in classifier.predict(list(rows))]


def _variants(edge: Mapping[str, Any] | None) -> dict[str, Any]:
    """Which variant was selected, and what the others missed; nothing of a run that did not get to any."""
    edge = edge or {}
    variants = edge.get("variants", {})
    return {
        "variant": edge.get("selected"),
        "variants": {name: list(values.get("missed", [])) for name, values in variants.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--profile", required=True)
    for name in ("--root", "--texts", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args(arguments)
    from pipeline.config import loader
    from pipeline.history.paths import LATEST, TaskPaths

    config = loader.load(options.config, profile=options.profile)
    latest = (TaskPaths.of(config, options.root).history / LATEST).resolve().name
    found = answers(config, options.root, latest, json.loads(options.texts.read_text(encoding="utf-8")))
    options.out.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
