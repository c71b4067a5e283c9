"""The network that a configuration asks for, with its backbone's weights in place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules.network.architecture import TEXT, Architecture
from modules.network.backbones import initial
from modules.network.backbones.base import Backbone
from modules.network.model import build_model
from modules.network.weights import write_encoder
from modules.targets.kinds import ONE_LABEL

if TYPE_CHECKING:
    import tf_keras


def build_classifier(
    backbone: Backbone,
    *,
    vocabulary_size: int,
    num_classes: int,
    sequence_length: int,
    dropout: float,
    policy: str,
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    target: str = ONE_LABEL,
    encoded: str = TEXT,
    fusion: Mapping[str, Any] | None = None,
) -> tuple[tf_keras.Model, Architecture]:
    """Builds the classifier that a configuration asks for, with its pretrained weights in place.

    Args:
        backbone: the configuration's.
        vocabulary_size: tokens in the vocabulary that Transform used.
        num_classes: outputs of the head.
        sequence_length: the longest window, in tokens.
        dropout: rate inside the encoder and before the head.
        policy: Keras precision policy of the encoder.
        inputs: sections of the inputs that the backbone does not encode, by name.
        target: kind of the target.
        encoded: kind of the input that the backbone encodes.
        fusion: how the inputs meet, as `modules.network.architecture.Architecture` has it.

    Returns:
        `(model, architecture)`; the model as `modules.network.model.build_model` describes it.

    Raises:
        BackboneError: the backbone does not fit, or cannot be loaded.
        PackageError: its package cannot be fetched.
    """
    start = initial.of(backbone, initial.Task(vocabulary_size, num_classes, sequence_length))
    architecture = dataclasses.replace(
        start.architecture, inputs=inputs or {}, target=target, encoded=encoded, fusion=fusion or {}
    )
    built = build_model(architecture, dropout=dropout, policy=policy)
    if start.weights is not None:
        write_encoder(built, start.weights)
    return built, architecture
