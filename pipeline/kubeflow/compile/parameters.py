"""The parameters that stay open in a compiled pipeline: name, type, default, and what each of them decides."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from modules.targets.base import Target as Predicted

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract import bindings
from pipeline.kubeflow.contract.bindings import Binding
from pipeline.kubeflow.contract.parameter import INTEGER, NUMBER, STRING, Parameter, places
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators.base import orchestrator

Where = Callable[..., dict[str, tuple[Binding, ...]]]  # `places`, with configuration and orchestrator given
_EPSILON = 1e-9  # as in modules.quality.tfma.config: a metric that equals its bound passes


def parameters(config: Config, target: Target) -> list[Parameter]:
    """All parameters of a configuration on an engine, by name."""
    engine = orchestrator(target.engine)
    where = functools.partial(places, config=config, lookups=engine.lookups)
    told = functools.partial(_told, config=config, lookups=engine.lookups)
    found = [
        Parameter(
            "data", STRING, target.data, "The rows: a CSV file, or `dataset:vader` from the image.",
            where("data", "data"),
        ),
        Parameter("schema", STRING, target.schema, "The curated schema.", where("schema", "schema")),
        Parameter("push_root", STRING, target.push_root, "Where blessed models go.", where("push_root", "push_root")),
        _epochs(config, where, told),
        *_tuner(config, where, told),
        *_thresholds(config, where, told),
        *_edge_gate(config, where, told),
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


def _epochs(config: Config, where: Where, told: Where) -> Parameter:
    """Passes; where the rows decide, `auto` is no number to give, and the steps that are planned for stand for it."""
    text, field, value = "Passes over the train split, at most.", "epochs", config.trainer.epochs
    if not isinstance(value, int):
        text = "Steps of the optimizer that the training is planned for, at least."
        field, value = "min_steps", config.trainer.min_steps
    return Parameter(field, INTEGER, value, text, {**where(field, field), **told(field, f"trainer/{field}")})


def _tuner(config: Config, where: Where, told: Where) -> list[Parameter]:
    if config.tuner.reuse == "latest":
        found = where("hyperparameters", "hyperparameters")
        text = "URI of an earlier run's best hyperparameters; open-source Kubeflow cannot look them up."
        return [Parameter("hyperparameters", STRING, "", text, found)] if found else []
    if not config.tuner.enabled:
        return []
    text = "Sets of hyperparameters to try (Hyperband derives its own number)."
    found = {**where("trials", "trials"), **told("trials", "tuner/trials")}
    return [Parameter("trials", INTEGER, config.tuner.trials, text, found)]


def _thresholds(config: Config, where: Where, told: Where) -> list[Parameter]:
    found = []
    for metric, bound in config.evaluator.thresholds.items():
        for field, value in bound:
            if value is not None and not (field == "slice_min" and not config.data.columns.slices):
                name = f"{metric}_{field}"
                gates = where(name, "tfma_thresholds").items()
                found_at = functools.partial(_threshold, metric=metric, field=field, target=config.target)
                found.append(Parameter(name, NUMBER, float(value), f"Server gate: {field} of {metric}.", {
                    **{node: tuple(found_at(at) for at in given) for node, given in gates},
                    **where(name, "thresholds", f"/{metric}/{field}"),
                    **told(name, f"evaluator/thresholds/{metric}/{field}"),
                }))  # fmt: skip
    return found


def _threshold(place: Binding, metric: str, field: str, target: Predicted) -> Callable[[Mapping[str, Any]], Binding]:
    """Finds a bound in TFMA's settings, as `modules.quality.tfma.config` wrote it; `place` is the whole of them."""
    lower_is_better = target.less_is_better(metric)
    [own] = [metrics[metric] for metrics, _ in target.metric_specs() if metric in metrics]
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
        document = json.loads(properties[place.prop])
        [metric_at] = bindings.pointers(
            document,
            lambda item: "per_slice_thresholds" in item and own.items() <= item.items(),
        )
        # A part without feature keys holds overall, the one with them on every slice.
        parts = bindings.look_up(document, f"{metric_at}/per_slice_thresholds")
        [part] = [
            number
            for number, item in enumerate(parts)
            if ("feature_keys" in item["slicing_specs"][0]) == (field == "slice_min")
        ]
        pointer = f"{metric_at}/per_slice_thresholds/{part}/threshold/{below}"
        return dataclasses.replace(place, pointer=pointer, scale=-1.0 if drops else 1.0, add=loose)

    return find


def _edge_gate(config: Config, where: Where, told: Where) -> list[Parameter]:
    found = []
    gate = dict(config.edge_evaluator.gate)
    by_score = {f"max_drop/{score}": bound for score, bound in gate.pop("max_drop").items()}
    for field, value in {**gate, **by_score}.items():
        if value is not None and field != "min_slice_rows":
            kind, name = INTEGER if field == "max_bytes" else NUMBER, f"edge_{field.replace('/', '_')}"
            decided = {**where(name, "edge_gate", f"/{field}"), **told(name, f"edge_evaluator/gate/{field}")}
            found.append(Parameter(name, kind, value, f"Edge gate: {field.replace('/', '.')}.", decided))
    return found


def _told(parameter: str, field: str, *, config: Config, lookups: str) -> dict[str, tuple[Binding, ...]]:
    """Where the report shows a field of the configuration, so that it shows the run's value."""
    return places(parameter, "config", f"/{field}", config=config, lookups=lookups)
