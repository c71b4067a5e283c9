"""Two runs side by side: what was configured otherwise, and whether it made the model better, smaller or faster.

TensorFlow is imported only to read predictions from a remote folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from modules.registry import load_extensions
from modules.targets.kinds import ONE_LABEL, read

import yaml

from pipeline import nodes
from pipeline.history.history import PastRun
from pipeline.history.paths import CONFIG, TaskPaths
from pipeline.history.store import RunOutputs, connection

_MISSING = "(not set)"
_BUNDLE = (
    *("bytes", "gzip_bytes", "size_ratio", "latency_p50_ms", "latency_ratio"),
    *("accuracy", "macro_f1", "micro_f1", "rmse", "mae", "r2", "sparsity"),
)


def compare(paths: TaskPaths, one: PastRun, other: PastRun) -> dict[str, Any]:
    """Compares two runs of a task.

    Args:
        paths: of the task.
        one: the run that was there.
        other: the run that is compared with it.

    Returns:
        JSON values: `one` and `other` (the run ids), `config` (`{"field", "one", "other"}` for each field that
        differs), `metrics` by split and name, `test` (see `modules.quality.comparison.compare`; None where a run has no
        predictions), `bundle`, `pushed`, and `nodes` with state and seconds of each.
    """
    first, second = one.summary, other.summary
    return {
        "one": one.run_id,
        "other": other.run_id,
        "config": config_difference(_config(paths, one.run_id), _config(paths, other.run_id)),
        "metrics": {split: _metrics(first, second, split) for split in ("test", "eval")},
        "test": _test_rows(paths, one.run_id, other.run_id),
        "bundle": _bundles(first, second),
        "blessed": {"one": first.get("blessed"), "other": second.get("blessed")},
        "pushed": {"one": one.pushed, "other": other.pushed},
        "nodes": _nodes(first, second),
        "seconds": {"one": first["seconds"]["total"], "other": second["seconds"]["total"]},
    }


def config_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields that differ.

    Args:
        one: a resolved configuration as plain values.
        other: another.

    Returns:
        Items `{"field", "one", "other"}` in the order of the configuration; a list counts as one value, and an
        empty section as none.
    """
    first, second = dict(_fields(one)), dict(_fields(other))
    return [
        {"field": name, "one": first.get(name, _MISSING), "other": second.get(name, _MISSING)}
        for name in dict.fromkeys([*first, *second])
        if first.get(name, _MISSING) != second.get(name, _MISSING)
    ]


def _fields(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _fields(item, f"{above}{key}.")
        else:
            yield f"{above}{key}", item


def _config(paths: TaskPaths, run_id: str) -> dict[str, Any]:
    file = paths.run_dir(run_id) / CONFIG
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _metrics(one: Mapping[str, Any], other: Mapping[str, Any], split: str) -> dict[str, Any]:
    first, second = ((summary.get("metrics") or {}).get(split) or {} for summary in (one, other))
    return {
        name: _pair(first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if name not in ("slices", "rows")
    }


def _test_rows(paths: TaskPaths, one: str, other: str) -> dict[str, Any] | None:
    from modules.artifact_files import PREDICTIONS_FILE
    from modules.quality import comparison, predictions, scoring

    found = []
    for run_id in (one, other):
        folder = RunOutputs(connection(paths), run_id).uri(*nodes.reported()["test_evaluation"])
        file = os.path.join(folder, PREDICTIONS_FILE) if folder else ""
        if not os.path.isfile(file):
            return None
        with open(file, "rb") as stream:
            splits, labels = predictions.parse(stream.read(), file)
        found.append((splits["test"], labels))
    (first, labels), (second, other_labels) = found
    targets = [_target(_config(paths, run_id)) for run_id in (one, other)]
    if all(target is None for target in targets):
        return comparison.compare(first, second, labels, other_labels)
    if len({target and (target.kind, target.column) for target in targets}) > 1:
        return {"targets_differ": True}
    if labels != other_labels:
        return {"rows": {}, "labels_differ": [labels, other_labels]}
    return comparison.compare_scores(first, second, scoring.of(targets[1]))


def _target(config: Mapping[str, Any]) -> Any:
    """The target of a run's configuration; None where it is one label, which is compared by its confusion matrix."""
    section = config.get("target") or {}
    if section.get("kind", ONE_LABEL) == ONE_LABEL:
        return None
    load_extensions(config.get("extensions") or ())
    return read(section)


def _bundles(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    chosen = [_selected(summary) for summary in (one, other)]
    if not any(chosen):
        return None
    first, second = chosen
    return {
        "recipe": {"one": first.get("name"), "other": second.get("name")},
        **{name: _pair(first.get(name), second.get(name)) for name in _BUNDLE if name in first or name in second},
    }


def _selected(summary: Mapping[str, Any]) -> dict[str, Any]:
    edge = summary.get("edge") or {}
    name = edge.get("selected")
    return {"name": name, **edge["variants"][name]} if name else {}


def _nodes(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {
        node: {
            side: {"state": summary["states"].get(node), "seconds": summary["seconds"]["nodes"].get(node)}
            for side, summary in (("one", one), ("other", other))
        }
        for node in dict.fromkeys([*one["states"], *other["states"]])
    }


def _pair(one: float | None, other: float | None) -> dict[str, float | None]:
    known = one is not None and other is not None
    return {"one": one, "other": other, "difference": other - one if known else None}  # type: ignore[operator]
