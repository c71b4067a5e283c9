"""The nodes that judge a model, on `eval` with the bounds of the gate and on `test` without, and write its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.card.settings import CardSource, ModelCardNodeSettings
from modules.inputs import kinds
from modules.inputs.profiles import profile_file
from modules.network.backbones.base import Source
from modules.quality import shared_labels
from modules.quality.settings import BeatsBaseline, Bound
from modules.quality.tfma import config as tfma_config

from pipeline.components.evaluator import Evaluator, EvaluatorNodeSettings
from pipeline.components.model_card import ModelCard
from pipeline.config.task import Config
from pipeline.graph import code_digest
from pipeline.graph.settings import BUNDLE_NODES, BUNDLE_SECTIONS, MODEL_NODES, MODEL_SECTIONS, columns, common, others

if TYPE_CHECKING:
    from tensorflow_model_analysis.proto import config_pb2


def eval_config(config: Config, *, gated: bool) -> config_pb2.EvalConfig:
    """What TFMA is told.

    Args:
        config: the task's configuration.
        gated: with thresholds and a comparison against the baseline, as on eval; without, as on test.
    """
    slices, thresholds = config.data.columns.slices, config.evaluator.thresholds
    return tfma_config.eval_config(config.target, slices, thresholds, gated=gated)


def evaluator(config: Config, examples: Any, model: Any, previous: Any, linear: Any) -> Evaluator:
    """The gate in front of the server push.

    Args:
        config: the task's configuration.
        examples: ExampleGen's output.
        model: Trainer's model.
        previous: the latest blessed model, where there is one.
        linear: LinearBaseline's output; None where there is none.
    """
    return Evaluator(
        examples=examples,
        model=model,
        eval_config=eval_config(config, gated=True),
        split="eval",
        settings=_settings(config, linear, gated=True),
        baseline_model=previous,
        baseline_evaluation=_compared(config, linear),
    )


def test_evaluator(config: Config, examples: Any, model: Any, linear: Any) -> Evaluator:
    """What is reported once and never chosen on.

    Args:
        config: the task's configuration.
        examples: ExampleGen's output.
        model: Trainer's model.
        linear: LinearBaseline's output; None where there is none.
    """
    node = Evaluator(
        examples=examples,
        model=model,
        eval_config=eval_config(config, gated=False),
        split="test",
        settings=_settings(config, linear, gated=False),
        baseline_evaluation=_compared(config, linear),
    )
    return node.with_id("TestEvaluator")


def server_card(config: Config, model: Any, evaluator: Any, test_evaluator: Any, statistics: Any) -> ModelCard:
    """The card of the SavedModel.

    Args:
        config: the task's configuration.
        model: Trainer's model.
        evaluator: the node that judged it on eval.
        test_evaluator: the node that measured it on test.
        statistics: of the rows.
    """
    return ModelCard(
        model=model,
        statistics=statistics,
        evaluation=evaluator.outputs["evaluation"],
        test_evaluation=test_evaluator.outputs["evaluation"],
        settings=_card_settings(config, MODEL_SECTIONS, MODEL_NODES).with_values(
            thresholds=config.evaluator.thresholds, gaps=config.evaluator.fairness.bounds
        ),
    )


def edge_card(config: Config, model: Any, edge_evaluator: Any, statistics: Any) -> ModelCard:
    """The card of the bundle.

    Args:
        config: the task's configuration.
        model: Trainer's model.
        edge_evaluator: the node that made and judged it.
        statistics: of the rows.
    """
    node = ModelCard(
        model=model,
        statistics=statistics,
        evaluation=edge_evaluator.outputs["evaluation"],
        bundle=edge_evaluator.outputs["bundle"],
        settings=_card_settings(config, BUNDLE_SECTIONS, BUNDLE_NODES),
    )
    return node.with_id("EdgeModelCard")


def _settings(config: Config, linear: Any, *, gated: bool) -> EvaluatorNodeSettings:
    """What the look at gaps and baseline depends on; bounds only where they gate."""
    fairness, against = config.evaluator.fairness, config.evaluator.beats_baseline if linear else None
    if against and not gated:  # measured in the same way, and judged by nobody
        against = BeatsBaseline(**against.model_dump(exclude={"margin", "decided_by"}))
    return EvaluatorNodeSettings(
        columns=columns(config),
        target=config.target,
        others=others(config),
        fairness=fairness if gated else fairness.with_values(bounds={}),
        beats_baseline=against,
        beats_served=config.evaluator.beats_served if gated else None,
        gated=gated,
        other_labels=config.evaluator.other_labels if gated else "not_compared",
        max_drops=_max_drops(config) if gated else {},
        **common(config, "Evaluator"),
    )


def _max_drops(config: Config) -> dict[str, Bound]:
    section = config.evaluator
    return shared_labels.drops(section.thresholds) if section.other_labels == "shared" else {}


def _compared(config: Config, linear: Any) -> Any:
    return linear if config.evaluator.beats_baseline else None


def _of_card(source: Source) -> CardSource:
    return CardSource(
        kind="weights", name=source.name, licence=source.licence, address=source.address, note=source.note
    )


def _card_settings(config: Config, sections: tuple[str, ...], made_by: tuple[str, ...]) -> ModelCardNodeSettings:
    main = kinds.with_backbone(config.inputs)
    return ModelCardNodeSettings(
        card=config.card,
        task=config.task,
        target=config.target,
        slices=config.data.columns.slices,
        dataset=None if config.data.path else config.data.dataset,
        backbone=main.backbone.kind if main else "",
        backbone_languages=list(main.backbone.languages()) if main else [],
        profile=profile_file(main.name) if main else "",
        backbone_sources=[
            _of_card(source)
            for source in (
                *(main.backbone.sources() if main else ()),
                *(source for part in config.inputs.values() for source in part.sources()),
            )
        ],
        sequence_length=main.sequence_length if main else 0,
        reads=main.reads if main else "",
        columns={column.name: column.type for column in kinds.columns(config.inputs)},
        digests={"config": config.digest_of(*sections), "code": code_digest.of(config, *made_by)},
        **common(config, "ModelCard"),
    )
