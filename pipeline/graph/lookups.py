"""The nodes that find earlier results: baseline, model to start from, last statistics, last hyperparameters.

Each orchestrator can do this in its own way only; see `pipeline.graph.engines.Engine.lookups`.
"""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import v1 as tfx

from pipeline.components.lookups.latest_pushed_model import LatestPushedModel
from pipeline.components.lookups.previous_statistics import PreviousStatistics
from pipeline.components.lookups.resolvers import (
    EarlierSpanBlessedModelStrategy,
    LatestOtherBlessedModelStrategy,
    LatestWholeArtifactStrategy,
    LatestWholeBlessedModelStrategy,
    PreviousSpanStatisticsStrategy,
)
from pipeline.graph.engines import Engine

_TFX = tfx.dsl.experimental
# The importer's source where no query can be run; a parameter of the run replaces it.
HYPERPARAMETERS_URI = "set-the-parameter-hyperparameters"


def baseline(engine: Engine, candidate: Any, push_folder: str, *, shared_labels: bool) -> Any:
    """The node whose output `model` the candidate is compared with; nothing on the first run.

    Args:
        engine: the orchestrator.
        candidate: Trainer's model.
        push_folder: where blessed server models are pushed.
        shared_labels: whether a model is enough that shares some of the candidate's labels.
    """
    if engine.lookups == "pushed":
        node = LatestPushedModel(push_folder, candidate=candidate, shared_labels=shared_labels)
    elif engine.lookups == "latest":
        node = tfx.dsl.Resolver(strategy_class=_TFX.LatestBlessedModelStrategy, **_trained_models())
    else:
        node = tfx.dsl.Resolver(
            strategy_class=LatestOtherBlessedModelStrategy,
            config={"shared": True} if shared_labels else {},
            candidate=candidate,
            **_trained_models(),
        )
    return node.with_id("LatestBlessedModelResolver")


def warm_start(engine: Engine, push_folder: str, examples: Any | None) -> Any:
    """The node whose output `model` the training starts from.

    Args:
        engine: the orchestrator.
        push_folder: where blessed server models are pushed.
        examples: ExampleGen's output, where it has spans: the model must be of an earlier one, so that a second run
            with nothing new finds the same model, and the training is taken from the cache. Only Edgeline's own query
            can look at it.
    """
    if engine.lookups == "pushed":
        return LatestPushedModel(push_folder).with_id("WarmStartResolver")
    if engine.lookups == "store" and examples is not None:
        return tfx.dsl.Resolver(
            strategy_class=EarlierSpanBlessedModelStrategy, examples=examples, **_trained_models()
        ).with_id("WarmStartResolver")
    strategy = LatestWholeBlessedModelStrategy if engine.lookups == "store" else _TFX.LatestBlessedModelStrategy
    return tfx.dsl.Resolver(strategy_class=strategy, **_trained_models()).with_id("WarmStartResolver")


def previous_statistics(engine: Engine, statistics: Any, folder: str) -> Any:
    """The node whose output `statistics` are those of the newest span before this run's; nothing on the first.

    Args:
        engine: the orchestrator.
        statistics: StatisticsGen's output of this run.
        folder: where ExampleValidator keeps them for engines that cannot run Edgeline's own query.
    """
    if engine.lookups != "store":
        return PreviousStatistics(folder, current=statistics).with_id("PreviousStatisticsResolver")
    return tfx.dsl.Resolver(
        strategy_class=PreviousSpanStatisticsStrategy,
        current=statistics,
        statistics=tfx.dsl.Channel(
            type=tfx.types.standard_artifacts.ExampleStatistics, producer_component_id="StatisticsGen"
        ),
    ).with_id("PreviousStatisticsResolver")


def hyperparameters(engine: Engine) -> Any:
    """The node whose output `best_hyperparameters` is the last search's result.

    Args:
        engine: the orchestrator. Without queries, the run is told by its parameter `hyperparameters`.
    """
    kind, node_id = tfx.types.standard_artifacts.HyperParameters, "LatestHyperparametersResolver"
    if engine.lookups == "pushed":
        return tfx.dsl.Importer(
            source_uri=HYPERPARAMETERS_URI, artifact_type=kind, output_key="best_hyperparameters", reimport=False
        ).with_id(node_id)
    return tfx.dsl.Resolver(
        strategy_class=LatestWholeArtifactStrategy if engine.lookups == "store" else _TFX.LatestArtifactStrategy,
        best_hyperparameters=tfx.dsl.Channel(type=kind, producer_component_id="Tuner"),
    ).with_id(node_id)


def _trained_models() -> dict[str, Any]:
    """The queries for Trainer's models and Evaluator's blessings; other nodes emit such artifacts too."""
    artifacts = tfx.types.standard_artifacts
    return {
        "model": tfx.dsl.Channel(type=artifacts.Model, producer_component_id="Trainer"),
        "model_blessing": tfx.dsl.Channel(type=artifacts.ModelBlessing, producer_component_id="Evaluator"),
    }
