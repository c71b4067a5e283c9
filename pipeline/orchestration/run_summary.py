"""What a run came to, gathered from the artifacts that its nodes left: the content of `summary.json`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.trainer import HISTORY_FILE, TRAINING_DIR

import tensorflow_model_analysis as tfma
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants as evaluator_constants

from pipeline.components.edge_evaluator import RESULT_FILE as PARETO_FILE
from pipeline.components.linear_baseline import RESULT_FILE
from pipeline.config import Config
from pipeline.evaluation import BASELINE, CANDIDATE
from pipeline.ingest.transforms import COUNTS_FILE, QUARANTINE, QUARANTINE_FILE
from pipeline.orchestration.paths import TaskPaths
from pipeline.orchestration.states import CACHED, FAILED, NodeResult

DONE, FAILED_RUN = "done", "failed"
_SCALARS = ("accuracy", "macro_f1", "precision", "recall", "auc", "calibration_error", "example_count")


def collect(
    config: Config,
    paths: TaskPaths,
    connection: metadata_store_pb2.ConnectionConfig,
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
        connection: the metadata store.
        run_id: the run's id.
        results: of the nodes that were launched.
        error: what stopped the run, if anything.
        profile: the profile that was asked for.
        data: the file that was read.

    Returns:
        JSON values; see docs/design.md, "Outputs". What the run did not get to is None.
    """
    outputs = RunOutputs(connection, run_id)
    failed = [result.node for result in results if result.state == FAILED]
    evaluation, test = outputs.uri("Evaluator", "evaluation"), outputs.uri("TestEvaluator", "evaluation")
    blessing = outputs.artifact("Evaluator", "blessing")
    pareto = _read_json(outputs.uri("EdgeEvaluator", "evaluation"), PARETO_FILE)
    return {
        "run_id": run_id,
        "task": config.task,
        "profile": profile,
        "state": FAILED_RUN if error else DONE,
        "failed_node": failed[0] if failed else None,
        "error": str(error) if error else None,
        "config_digest": config.digest(),
        "data": str(data),
        "data_cleaning": _cleaning(outputs.uri("ExampleGen", "examples")),
        "blessed": _blessed(blessing),
        "not_blessed_because": missed_bounds(evaluation) if evaluation else [],
        "thresholds": config.model_dump(mode="json")["evaluator"]["thresholds"],
        "metrics": {
            "eval": metrics(evaluation) if evaluation else None,
            "test": metrics(test) if test else None,
        },
        "previous": metrics(evaluation, BASELINE) or None if evaluation else None,
        "baseline": _read_json(outputs.uri("LinearBaseline", "evaluation"), RESULT_FILE),
        "training": _read_json(outputs.uri("Trainer", "model"), TRAINING_DIR, HISTORY_FILE),
        "tuner_trials": _read_json(outputs.uri("Tuner", "tuner_results"), "tuner_results.json"),
        "states": {result.node: result.state for result in results},
        "cache_hits": sum(result.state == CACHED for result in results),
        "edge": {**pareto, "blessed": _blessed(outputs.artifact("EdgeEvaluator", "blessing"))} if pareto else None,
        "pushed": {
            "server": _pushed(outputs.artifact("Pusher", "pushed_model")),
            "edge": _pushed(outputs.artifact("EdgePusher", "pushed_model")),
        },
        "folder": str(paths.root),
    }


class RunOutputs:
    """The output artifacts of one run, by node and key."""

    def __init__(self, connection: metadata_store_pb2.ConnectionConfig, run_id: str) -> None:
        """Reads them from the metadata store.

        Args:
            connection: the store.
            run_id: id of the run.
        """
        store = metadata_store.MetadataStore(connection)
        self._found: dict[tuple[str, str], metadata_store_pb2.Artifact] = {}
        context = store.get_context_by_type_and_name("pipeline_run", run_id)
        if context is None:
            return
        for execution in store.get_executions_by_context(context.id):
            node = _node_of(store, execution.id)
            events = [
                event
                for event in store.get_events_by_execution_ids([execution.id])
                if event.type in (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)
            ]
            artifacts = {
                artifact.id: artifact for artifact in store.get_artifacts_by_id([e.artifact_id for e in events])
            }
            for event in events:
                key = next((step.key for step in event.path.steps if step.HasField("key")), "")
                artifact = artifacts[event.artifact_id]
                if artifact.state != metadata_store_pb2.Artifact.PENDING:
                    self._found[node, key] = artifact

    def artifact(self, node: str, key: str) -> metadata_store_pb2.Artifact | None:
        """One output artifact, or None where the run did not get to it."""
        return self._found.get((node, key))

    def uri(self, node: str, key: str) -> str | None:
        """Its URI."""
        found = self.artifact(node, key)
        return found.uri if found else None


def _node_of(store: metadata_store.MetadataStore, execution_id: int) -> str:
    """A node's context is named `<pipeline>.<node>`."""
    for context in store.get_contexts_by_execution(execution_id):
        if context.type == "node":
            return context.name.split(".", 1)[1]
    return ""


def metrics(uri: str, model: str = CANDIDATE) -> dict[str, Any]:
    """Reads what an Evaluator measured.

    Args:
        uri: its `evaluation` artifact.
        model: `candidate` or `baseline`.

    Returns:
        Overall metrics by name, and `slices` with the same for `column:value`. Empty where the model was not
        evaluated.
    """
    overall: dict[str, Any] = {}
    slices: dict[str, Any] = {}
    for record in tfma.load_metrics(uri):
        name = _slice_name(record.slice_key)
        values = _scalars(record.metric_keys_and_values, model)
        if not values:
            continue
        if name:
            slices[name] = values
        else:
            overall = values
    return {**overall, "slices": dict(sorted(slices.items()))} if overall else {}


def missed_bounds(uri: str) -> list[dict[str, Any]]:
    """Which metric on which slice missed which bound.

    Args:
        uri: Evaluator's `evaluation` artifact.

    Returns:
        Items `{"metric", "slice", "value", "bound", "message"}`; empty if the model passed.
    """
    result = tfma.load_validation_result(uri)
    if result is None or result.validation_ok:
        return []
    missed = []
    for record in result.metric_validations_per_slice:
        where = _slice_name(record.slice_key) or "overall"
        for failure in record.failures:
            value = failure.metric_value.double_value.value
            bound = _bound(failure.metric_threshold)
            comparison = failure.metric_key.is_diff
            metric = f"{failure.metric_key.name}{' against the latest blessed model' if comparison else ''}"
            missed.append(
                {
                    "metric": metric,
                    "slice": where,
                    "value": value,
                    "bound": bound,
                    "message": f"{metric} on {where} is {value:.4f}, {bound} was asked for"
                    + (f" ({failure.message})" if failure.message and math.isnan(value) else ""),
                }
            )
    for check in result.missing_slices:
        missed.append(
            {"metric": "", "slice": str(check), "value": None, "bound": "", "message": f"slice missing: {check}"}
        )
    return missed


def _bound(threshold: Any) -> str:
    if threshold.HasField("change_threshold"):
        return f"a change of {threshold.change_threshold.absolute.value:+.3f} or better"
    value = threshold.value_threshold
    parts = []
    if value.HasField("lower_bound"):
        parts.append(f"at least {value.lower_bound.value:.3f}")
    if value.HasField("upper_bound"):
        parts.append(f"at most {value.upper_bound.value:.3f}")
    return " and ".join(parts)


def _scalars(items: Iterable[Any], model: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for item in items:
        key = item.key
        if key.is_diff or key.model_name not in ("", model) or (not key.model_name and model != CANDIDATE):
            continue
        kind = item.value.WhichOneof("type")
        # Of what TFMA computes per class, only precision and recall carry the class in their name.
        per_class = key.name.startswith(("precision_", "recall_"))
        if kind == "double_value" and (per_class or (key.name in _SCALARS and not key.HasField("sub_key"))):
            name = "rows" if key.name == "example_count" else key.name
            values[name] = item.value.double_value.value
    if "rows" in values:
        values["rows"] = int(values["rows"])
    return values


def _slice_name(key: Any) -> str:
    return ", ".join(
        f"{part.column}:{part.bytes_value.decode('utf-8', 'replace') or part.int64_value or part.float_value}"
        for part in key.single_slice_keys
    )


def _cleaning(examples: str | None) -> dict[str, Any] | None:
    """Counts of rows, and the file with those that were kept back."""
    counts = _read_json(examples, QUARANTINE, COUNTS_FILE)
    return {**counts, "file": os.path.join(str(examples), QUARANTINE, QUARANTINE_FILE)} if counts else None


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
