"""From the blessed model to a pushed bundle: each step a node, so that a new gate does not convert again."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from pipeline.components.edge_evaluator import EdgeEvaluator, EdgeEvaluatorNodeSettings
from pipeline.components.pruner import Pruner, PrunerNodeSettings
from pipeline.components.pusher import Pusher, PusherNodeSettings
from pipeline.components.tflite_converter import TFLiteConverter, TFLiteConverterNodeSettings
from pipeline.config.task import Config
from pipeline.graph import code_digest, evaluation, pushing
from pipeline.graph.settings import BUNDLE_NODES, BUNDLE_SECTIONS, columns, common


def edge_branch(
    config: Config, push_folder: str, examples: Any, transform: Any, model: Any, evaluator: Any, statistics: Any
) -> list[Any]:
    """The nodes from Pruner to EdgePusher.

    Args:
        config: the task's configuration.
        push_folder: where bundles are pushed.
        examples: ExampleGen's output.
        transform: the node that makes the features.
        model: Trainer's model.
        evaluator: the node that blessed it.
        statistics: of the rows.
    """
    transformed = transform.outputs["transformed_examples"]
    pruner = Pruner(
        transformed_examples=transformed,
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        settings=PrunerNodeSettings(
            inputs=config.inputs, target=config.target, pruner=config.pruner, **common(config, "Pruner")
        ),
    )
    converter = TFLiteConverter(
        transformed_examples=transformed,
        model=model,
        pruned_model=pruner.outputs["pruned_model"],
        settings=TFLiteConverterNodeSettings(
            inputs=config.inputs,
            target=config.target.undecided(),
            converter=config.converter,
            **common(config, "TFLiteConverter"),
        ),
    )
    edge_evaluator = EdgeEvaluator(
        examples=examples,
        variants=converter.outputs["variants"],
        model=model,
        settings=EdgeEvaluatorNodeSettings(
            edge_evaluator=config.edge_evaluator,
            columns=columns(config),
            inputs=config.inputs,
            target=config.target,
            task=config.task,
            digests={"config": config.digest_of(*BUNDLE_SECTIONS), "code": code_digest.of(config, *BUNDLE_NODES)},
            **common(config, "EdgeEvaluator"),
        ),
    )
    card = evaluation.edge_card(config, model, edge_evaluator, statistics)
    edge_pusher = Pusher(
        model=edge_evaluator.outputs["bundle"],
        model_blessing=edge_evaluator.outputs["blessing"],
        model_card=card.outputs["card"],
        push_destination=pushing.folder(push_folder),
        settings=PusherNodeSettings(
            keep_versions=config.pusher.keep_versions,
            card_place="",
            stated=config.digest_of("card"),
            **common(config, "EdgePusher"),
        ),
    ).with_id("EdgePusher")
    return [pruner, converter, edge_evaluator, card, edge_pusher]
