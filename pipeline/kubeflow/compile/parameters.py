"""The parameters that stay open in a compiled pipeline: name, type, default, and what each of them decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract import bindings
from pipeline.kubeflow.contract.bindings import Binding
from pipeline.kubeflow.contract.parameter import INTEGER, NUMBER, STRING, Parameter, Place
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators.base import Orchestrator, orchestrator

# TFMA's own names of the metrics that Edgeline bounds.
_CLASSES = {
    "accuracy": "SparseCategoricalAccuracy", "macro_f1": "MacroF1", "auc": "AUC", "precision": "MacroPrecision",
    "recall": "MacroRecall", "calibration_error": "CalibrationError",
}  # fmt: skip
_EPSILON = 1e-9  # as in pipeline.graph.tfma_config: a metric that equals its bound passes


def parameters(config: Config, target: Target) -> list[Parameter]:
    """All parameters of a configuration on an engine, by name."""
    engine = orchestrator(target.engine)
    found = [
        Parameter("data", STRING, target.data, "The rows: a CSV file, or `dataset:vader` from the image.", {
            "ExampleGen": (
                Binding("data", "input_base", part="folder"),
                Binding("data", "input_config", "/splits/0/pattern", part="file"),
            )
        }),
        Parameter("schema", STRING, target.schema, "The curated schema.", {
            "ImportSchemaGen": (Binding("schema", "schema_file"),)
        }),
        Parameter("push_root", STRING, target.push_root, "Where blessed models go.", _push(config, engine)),
        *_epochs(config),
        *_tuner(config, engine),
        *_thresholds(config),
        *_edge_gate(config),
        *engine.parameters(config, target),
    ]  # fmt: skip
    return sorted(found, key=lambda item: item.name)


def values(known: list[Parameter], given: Mapping[str, str]) -> dict[str, str | int | float]:
    """Defaults and what the command line says, together.

    Raises:
        ConfigError: an unknown name, or a value of another type.
    """
    by_name = {item.name: item for item in known}
    for name in given:
        if name not in by_name:
            raise ConfigError(f"--param {name}: there is no such parameter; there are: {', '.join(sorted(by_name))}.")
    return {name: item.parse(given[name]) if name in given else item.default for name, item in sorted(by_name.items())}


def _push(config: Config, engine: Orchestrator) -> dict[str, tuple[Place, ...]]:
    places: dict[str, tuple[Place, ...]] = {
        node: (Binding("push_root", "push_destination", "/filesystem/base_directory", form=f"{{}}/{folder}"),)
        for node, folder in (("Pusher", "server"), ("EdgePusher", "edge"))
    }
    if config.data.has_spans:
        form = "{}/statistics"
        places["PreviousStatisticsResolver"] = (Binding("push_root", "folder", form=form),)
        places["ExampleValidator"] = (Binding("push_root", "settings", "/keep", form=form),)
    if engine.lookups == "pushed":
        lookup = Binding("push_root", "push_folder", form="{}/server")
        places["LatestBlessedModelResolver"] = (lookup,)
        if config.warm_starts:
            places["WarmStartResolver"] = (lookup,)
    return places


def _epochs(config: Config) -> list[Parameter]:
    """None where the rows decide: `auto` is no number that a run could be given in its place."""
    text, field, value = "Passes over the train split, at most.", "epochs", config.trainer.epochs
    if not isinstance(value, int):
        text = "Steps of the optimizer that the training is planned for, at least."
        field, value = "min_steps", config.trainer.min_steps
    places = {"Trainer": (Binding(field, "custom_config", f"/trainer/{field}"),), **_told(field, f"trainer/{field}")}
    return [Parameter(field, INTEGER, value, text, places)]


def _tuner(config: Config, engine: Orchestrator) -> list[Parameter]:
    if config.tuner.reuse == "latest":
        if engine.lookups != "pushed":
            return []
        text = "URI of an earlier run's best hyperparameters; open-source Kubeflow cannot look them up."
        place = Binding("hyperparameters", "artifact_uri")
        return [Parameter("hyperparameters", STRING, "", text, {"LatestHyperparametersResolver": (place,)})]
    if not config.tuner.enabled:
        return []
    text = "Sets of hyperparameters to try (Hyperband derives its own number)."
    place = Binding("trials", "custom_config", "/tuner/trials")
    places = {"Tuner": (place,), **_told("trials", "tuner/trials")}
    return [Parameter("trials", INTEGER, config.tuner.trials, text, places)]


def _thresholds(config: Config) -> list[Parameter]:
    found = []
    for metric, bound in config.evaluator.thresholds.items():
        for field, value in bound:
            if value is not None and not (field == "slice_min" and not config.data.columns.slices):
                name = f"{metric}_{field}"
                place = _threshold(name, metric, field)
                found.append(Parameter(name, NUMBER, float(value), f"Server gate: {field} of {metric}.", {
                    "Evaluator": (place,),
                    "ModelCard": (Binding(name, "settings", f"/thresholds/{metric}/{field}"),),
                    **_told(name, f"evaluator/thresholds/{metric}/{field}"),
                }))  # fmt: skip
    return found


def _threshold(parameter: str, metric: str, field: str) -> Callable[[Mapping[str, Any]], Binding]:
    """Finds a bound in Evaluator's settings, as `pipeline.graph.tfma_config` wrote it."""
    lower_is_better = metric == "calibration_error"
    side = "upper_bound" if field == "max" or (field == "slice_min" and lower_is_better) else "lower_bound"
    below = {
        "min": f"value_threshold/{side}",
        "max": f"value_threshold/{side}",
        "max_drop": "change_threshold/absolute",
        "slice_min": f"value_threshold/{side}",
    }[field]
    # A metric that equals its bound passes, and a drop is written as a negative change where more is better.
    drops = field == "max_drop" and not lower_is_better
    loose = _EPSILON if (field == "max_drop" and lower_is_better) or side == "upper_bound" else -_EPSILON

    def find(properties: Mapping[str, Any]) -> Binding:
        document = json.loads(properties["eval_config"])
        [metric_at] = bindings.pointers(
            document,
            lambda item: item.get("class_name") == _CLASSES[metric] and "per_slice_thresholds" in item,
        )
        # A part without feature keys holds overall, the one with them on every slice.
        parts = bindings.look_up(document, f"{metric_at}/per_slice_thresholds")
        [part] = [
            number
            for number, item in enumerate(parts)
            if ("feature_keys" in item["slicing_specs"][0]) == (field == "slice_min")
        ]
        pointer = f"{metric_at}/per_slice_thresholds/{part}/threshold/{below}"
        return Binding(parameter, "eval_config", pointer, scale=-1.0 if drops else 1.0, add=loose)

    return find


def _edge_gate(config: Config) -> list[Parameter]:
    found = []
    for field, value in config.edge_evaluator.gate:
        if value is not None and field != "min_slice_rows":
            kind = INTEGER if field == "max_bytes" else NUMBER
            place = Binding(f"edge_{field}", "settings", f"/edge_evaluator/gate/{field}")
            places = {"EdgeEvaluator": (place,), **_told(f"edge_{field}", f"edge_evaluator/gate/{field}")}
            found.append(Parameter(f"edge_{field}", kind, value, f"Edge gate: {field}.", places))
    return found


def _told(parameter: str, field: str) -> dict[str, tuple[Place, ...]]:
    """Where the report shows a field of the configuration, so that it shows the run's value."""
    return {"Reporter": (Binding(parameter, "settings", f"/config/{field}"),)}
