"""The model that a training starts from, Trainer's and each trial's of the search."""

from __future__ import annotations

from modules.artifact_files import training_dir  # and settles Keras 2 before TensorFlow is imported
from modules.entry_settings import TransformNodeSettings
from modules.network.architecture import Architecture
from modules.network.pretrained import build_classifier
from modules.network.trained import load_trained
from modules.training.settings import TrainerSettings

import tf_keras


def starting_model(
    config: TransformNodeSettings,
    settings: TrainerSettings,
    vocabulary_size: int,
    *,
    policy: str,
    base_model: str | None = None,
) -> tuple[tf_keras.Model, Architecture]:
    """The model that training starts from: the backbone's weights, or a blessed model's.

    Args:
        config: labels, window and backbone.
        settings: the section `trainer` with the tuner's values.
        vocabulary_size: tokens.
        policy: Keras precision policy.
        base_model: serving folder of the model to go on from.

    Raises:
        ValueError: the base model has another architecture than the configuration asks for.
    """
    model, architecture = build_classifier(
        config.backbone,
        vocabulary_size=vocabulary_size,
        num_classes=len(config.labels),
        sequence_length=config.preprocessing.sequence_length,
        dropout=settings.dropout,
        policy=policy,
    )
    if base_model:
        base = load_trained(training_dir(base_model))
        if base.architecture != architecture or base.labels != config.labels:
            raise ValueError(
                "trainer.warm_start: the latest blessed model has another architecture or other labels than this "
                f"configuration ({base.architecture}, {base.labels}). Set trainer.warm_start=false for this run."
            )
        model.set_weights(base.model.get_weights())
    return model, architecture
