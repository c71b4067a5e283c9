"""The model that a training starts from, Trainer's and each trial's of the search."""

from __future__ import annotations

import dataclasses
from typing import Any

from modules.artifact_files import training_dir  # and settles Keras 2 before TensorFlow is imported
from modules.inputs import kinds as inputs_lib
from modules.network.anatomy import input_encoders
from modules.network.architecture import Architecture
from modules.network.fusion import kinds as fusions
from modules.network.model import build_model
from modules.network.pretrained import build_classifier
from modules.network.trained import load_trained
from modules.targets.base import Target
from modules.tf_gaps import backup
from modules.training.settings import TrainerSettings

import tf_keras
from numpy.typing import NDArray


def starting_model(
    inputs: inputs_lib.Inputs,
    target: Target,
    settings: TrainerSettings,
    *,
    policy: str,
    answers: NDArray[Any] | None = None,
    base_model: str | None = None,
) -> tuple[tf_keras.Model, Architecture]:
    """The model that training starts from: the backbone's weights, random ones, or a blessed model's.

    Args:
        inputs: of the task.
        target: of the task.
        settings: the section `trainer` with the tuner's values.
        policy: Keras precision policy.
        answers: right answers of the training rows as the loss takes them, `[rows, *shape]`; a head may begin with
            what they are like; that of a model to go on from keeps what it knows, and None tells it nothing.
        base_model: serving folder of the model to go on from.

    Raises:
        ValueError: the base model has another architecture than the configuration asks for.
    """
    main = inputs_lib.with_backbone(inputs)
    outputs = target.outputs(target.names)
    sections = {name: part.section() for name, part in inputs_lib.others(inputs).items()}
    fusion = fusions.section(settings.fusion, settings.fusion_width, len(inputs))
    with backup.with_generators():
        if main is None:
            architecture = Architecture.without_backbone(
                num_classes=outputs, inputs=sections, target=target.kind, fusion=fusion
            )
            model = build_model(architecture, dropout=settings.dropout, policy=policy)
        else:
            model, architecture = build_classifier(
                main.backbone,
                vocabulary_size=len(main.vocabulary()),
                num_classes=outputs,
                sequence_length=main.sequence_length,
                dropout=settings.dropout,
                policy=policy,
                inputs=sections,
                target=target.kind,
                encoded=main.kind,
                fusion=fusion,
            )
        if not base_model:
            encoders = input_encoders(model)
            for name, (part, begin) in inputs_lib.playing(inputs, "initial").items():
                begin(part, encoders[name])
    if base_model:
        base = load_trained(training_dir(base_model))
        if not _goes_on(base.architecture, architecture) or base.labels != target.names:
            raise ValueError(
                "trainer.warm_start: the latest blessed model has another architecture or other labels than this "
                f"configuration ({base.architecture}, {base.labels}). Set trainer.warm_start=false for this run: it "
                "then starts from the backbone's weights, and is not compared with a model of other labels."
            )
        model.set_weights(base.model.get_weights())
    elif answers is not None:
        target.begin(model, answers)
    return model, architecture


def _goes_on(base: Architecture, wanted: Architecture) -> bool:
    """Whether a trained network's weights fit, and mean the same."""
    parts = inputs_lib.read(wanted.inputs)
    return (
        dataclasses.replace(base, inputs={}) == dataclasses.replace(wanted, inputs={})
        and list(base.inputs) == list(parts)
        and all(part.goes_on(base.inputs[name]) for name, part in parts.items())
    )
