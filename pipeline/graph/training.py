"""From features to a trained model: the search, what a training goes on from, and the training."""

from __future__ import annotations

from typing import Any

from modules.entry_settings import TrainerNodeSettings, TunerNodeSettings

from tfx import v1 as tfx

from pipeline.config.task import Config
from pipeline.graph import lookups, vertex_training
from pipeline.graph.engines import Engine, VertexJob
from pipeline.graph.settings import features


def hyperparameters(config: Config, transform: Any, engine: Engine) -> list[Any]:
    """The node that yields hyperparameters, if any: the tuner, or a look-up of its latest result.

    Args:
        config: the task's configuration.
        transform: the node that makes the features.
        engine: what the orchestrator can do.
    """
    if config.tuner.reuse == "latest":
        return [lookups.hyperparameters(engine)]
    if not config.tuner.enabled:
        return []
    settings = TunerNodeSettings(trainer=config.trainer, tuner=config.tuner, **features(config, "Tuner"))
    return [
        vertex_training.tuner_class(engine.vertex)(
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            tuner_fn="modules.tuner.tuner_fn",
            train_args=tfx.proto.TrainArgs(splits=["train"]),
            eval_args=tfx.proto.EvalArgs(splits=["eval"]),
            custom_config={
                **settings.to_values(),
                **vertex_training.custom_config(engine.vertex, search=True),
            },
            **vertex_training.tune_args(engine.vertex),
        )
    ]


def warm_start(config: Config, push_folder: str, examples: Any, engine: Engine) -> list[Any]:
    """The node that yields the model to go on from, if any.

    Args:
        config: the task's configuration.
        push_folder: where server models are pushed.
        examples: ExampleGen's output.
        engine: what the orchestrator can do.
    """
    if not config.warm_starts:
        return []
    return [lookups.warm_start(engine, push_folder, examples if config.data.has_spans else None)]


def trainer(
    config: Config, transform: Any, search: list[Any], warm_start: list[Any], job: VertexJob | None
) -> tfx.components.Trainer:
    """The training.

    Args:
        config: the task's configuration.
        transform: the node that makes the features.
        search: what `hyperparameters` gave.
        warm_start: what `warm_start` gave.
        job: machines of its own on Vertex AI; None trains inside the node.
    """
    settings = TrainerNodeSettings(trainer=config.trainer, **features(config, "Trainer"))
    return vertex_training.trainer_class(job)(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        run_fn="modules.trainer.run_fn",
        hyperparameters=search[0].outputs["best_hyperparameters"] if search else None,
        base_model=warm_start[0].outputs["model"] if warm_start else None,
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={
            **settings.to_values(),
            **vertex_training.custom_config(job, search=False),
        },
    )
