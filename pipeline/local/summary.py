"""What a run came to, gathered from the artifacts that its nodes left: the content of `summary.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.artifact_files import (
    BEATS_BASELINE_FILE,
    BEATS_SERVED_FILE,
    FAIRNESS_FILE,
    PARETO_FILE,
    SHARED_LABELS_FILE,
)
from modules.inputs.kinds import with_backbone
from modules.inputs.profiles import profile_file
from modules.quality import advice
from modules.quality.tfma.results import PREVIOUS, metrics, missed_bounds
from modules.text import fit

from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants as evaluator_constants

from pipeline import facts, nodes
from pipeline.config.task import Config
from pipeline.history.paths import TaskPaths
from pipeline.history.states import CACHED, FAILED, NodeResult
from pipeline.history.store import RunOutputs
from pipeline.ingest.transforms import COUNTS_FILE, QUARANTINE, QUARANTINE_FILE
from pipeline.redaction.redact import redact

_BEST = "best_hyperparameters.txt"  # as TFX's Tuner names it
DONE, FAILED_RUN, STOPPED = "done", "failed", "stopped"


def collect(
    config: Config,
    paths: TaskPaths,
    outputs: RunOutputs,
    run_id: str,
    results: list[NodeResult],
    error: BaseException | None,
    *,
    profile: str | None,
    data: Path,
) -> dict[str, Any]:
    """Gathers the summary of a run.

    Args:
        config: the resolved configuration.
        paths: of the task.
        outputs: of the run.
        run_id: the run's id.
        results: of the nodes that were launched.
        error: what stopped the run, if anything.
        profile: the profile that was asked for.
        data: the file that was read.

    Returns:
        JSON values; see docs/design.md, "Outputs". What the run did not get to is None.
    """
    failed = [result.node for result in results if result.state == FAILED]
    reported = nodes.reported()
    evaluation, test = outputs.uri(*reported["evaluation"]), outputs.uri(*reported["test_evaluation"])
    edge, _ = reported["edge_evaluation"]
    fairness = {"eval": _read_json(evaluation, FAIRNESS_FILE), "test": _read_json(test, FAIRNESS_FILE)}
    gaps = (fairness["eval"] or {}).get("missed", [])
    linear = {"eval": _read_json(evaluation, BEATS_BASELINE_FILE), "test": _read_json(test, BEATS_BASELINE_FILE)}
    behind = (linear["eval"] or {}).get("missed", [])
    served = _read_json(evaluation, BEATS_SERVED_FILE)
    behind = [*behind, *(served or {}).get("missed", [])]
    shared = _read_json(evaluation, SHARED_LABELS_FILE)
    dropped = (shared or {}).get("missed", [])
    pareto = _read_json(outputs.uri(*reported["edge_evaluation"]), PARETO_FILE)
    told = {
        key: _read_json(outputs.uri(node, item.output), *item.file) for key, (node, item) in facts.told(config).items()
    }
    summary = {
        "run_id": run_id,
        "task": config.task,
        "profile": profile,
        "state": STOPPED if isinstance(error, KeyboardInterrupt) else FAILED_RUN if error else DONE,
        "failed_node": failed[0] if failed else None,
        "error": redact(str(error) or "interrupted") if error else None,
        "config_digest": config.digest(),
        "data": str(data),
        "data_cleaning": _cleaning(outputs.uri(*reported["examples"])),
        "blessed": _blessed(outputs.artifact(*reported["blessing"])),
        "not_blessed_because": [*missed_bounds(evaluation), *gaps, *behind, *dropped] if evaluation else [],
        "thresholds": config.model_dump(mode="json")["evaluator"]["thresholds"],
        "lower_is_better": sorted(config.target.lower_is_better),
        "metrics": {
            "eval": metrics(evaluation) if evaluation else None,
            "test": metrics(test) if test else None,
        },
        "looked_for": config.target.looked_for,
        "fairness": fairness,
        "previous": metrics(evaluation, PREVIOUS) or None if evaluation else None,
        "shared_labels": shared,
        "baseline": told["baseline"],
        "beats_baseline": linear,
        "beats_served": served,
        "language": _language(config, outputs),
        "try": _to_try(config, told["training"], outputs, linear["eval"], pareto),
        "training": told["training"],
        "tuner_trials": told["tuner_trials"],
        "reused": _reused(config, outputs),
        "states": {result.node: result.state for result in results},
        "made_again": {result.node: result.note for result in results if result.note},
        "cache_hits": sum(result.state == CACHED for result in results),
        "drift": told["drift"] or [],
        "edge": {**pareto, "blessed": _blessed(outputs.artifact(edge, "blessing"))} if pareto else None,
        "pushed": {
            "server": _pushed(outputs.artifact(*reported["pushed_model"])),
            "edge": _pushed(outputs.artifact(*reported["pushed_bundle"])),
        },
        "folder": str(paths.root),
    }
    return summary | {key: value for key, value in told.items() if key not in summary}  # what extensions tell


def _cleaning(examples: str | None) -> dict[str, Any] | None:
    """Counts of rows, and the file with those that were kept back."""
    counts = _read_json(examples, QUARANTINE, COUNTS_FILE)
    return {**counts, "file": os.path.join(str(examples), QUARANTINE, QUARANTINE_FILE)} if counts else None


def _to_try(
    config: Config, training: Any, outputs: RunOutputs, linear: Mapping[str, Any] | None, pareto: Any
) -> list[str]:
    """What may help a model that is not shown to be better than the baseline, or that its own student beats."""
    if not advice.wanted(linear, (pareto or {}).get("student")):
        return []
    return advice.what_to_try(
        config.model_dump(mode="json"),
        config.inputs,
        config.target,
        training,
        lambda file: _profile(config, outputs, file),
    )


def _profile(config: Config, outputs: RunOutputs, file: str) -> Any:
    """What StatisticsGen found of an input, in the split that it looked at."""
    return _read_json(outputs.uri("StatisticsGen", "statistics"), f"Split-{config.compared_split}", file)


def _language(config: Config, outputs: RunOutputs) -> dict[str, Any] | None:
    """In which languages the texts are, and whether the backbone fits them; None where nothing was told."""
    main = with_backbone(config.inputs)
    texts = _profile(config, outputs, profile_file(main.name)) if main else None
    if not main or not texts or not texts.get("languages"):
        return None
    known, unknown = main.backbone.languages(), texts["unknown_token_rate"]
    problem = fit.problem("the backbone's vocabulary", unknown, texts["languages"], known)
    return {
        "texts": texts["languages"],
        "backbone": list(known),
        "unknown_token_rate": unknown,
        "problem": problem,
    }


def _reused(config: Config, outputs: RunOutputs) -> dict[str, Any] | None:
    """The values of an earlier search that the training took; empty: there was none; None: none was wanted."""
    if config.tuner.reuse != "latest":
        return None
    found = _read_json(outputs.uri("LatestHyperparametersResolver", "best_hyperparameters"), _BEST) or {}
    return {name: value for name, value in found.get("values", {}).items() if name in type(config.trainer).model_fields}


def _blessed(artifact: metadata_store_pb2.Artifact | None) -> bool | None:
    if artifact is None:
        return None
    return artifact.custom_properties[evaluator_constants.ARTIFACT_PROPERTY_BLESSED_KEY].int_value == 1


def _pushed(artifact: metadata_store_pb2.Artifact | None) -> dict[str, str] | None:
    if artifact is None or artifact.custom_properties["pushed"].int_value != 1:
        return None
    properties = artifact.custom_properties
    return {
        "version": properties["pushed_version"].string_value,
        "path": properties["pushed_destination"].string_value,
    }


def _read_json(uri: str | None, *parts: str) -> Any:
    if uri is None or not os.path.isfile(os.path.join(uri, *parts)):
        return None
    with open(os.path.join(uri, *parts), encoding="utf-8") as stream:
        return json.load(stream)
