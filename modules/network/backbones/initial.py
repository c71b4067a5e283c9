"""What training starts from: the shapes that a backbone gives the network, and its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from modules.network.architecture import Architecture
from modules.network.arrays import EncoderWeights
from modules.network.backbones.base import Backbone
from modules.registry import Registry


@dataclasses.dataclass(frozen=True)
class Task:
    """What the network must fit.

    Attributes:
        vocabulary_size: tokens in the vocabulary that Transform used.
        num_classes: labels.
        sequence_length: the longest window, in tokens.
    """

    vocabulary_size: int
    num_classes: int
    sequence_length: int


@dataclasses.dataclass(frozen=True)
class Initial:
    """A network before training.

    Attributes:
        architecture: its shapes.
        weights: of its encoder; None leaves random ones. The head's are always random.
    """

    architecture: Architecture
    weights: EncoderWeights | None = None


INITIAL: Registry[Callable[[Backbone, Task], Initial]] = Registry(
    "backbone with weights",
    {
        "minilm": "modules.network.backbones.minilm.weights:initial",
        "multilingual": "modules.network.backbones.multilingual.weights:initial",
        "preset": "modules.network.backbones.preset.weights:initial",
        "scratch": "modules.network.backbones.scratch.weights:initial",
    },
)


def of(backbone: Backbone, task: Task) -> Initial:
    """Shapes and weights of a backbone.

    Args:
        backbone: a configuration's.
        task: what the network must fit.

    Raises:
        BackboneError: it does not fit, or cannot be loaded.
        PackageError: its package cannot be fetched.
    """
    return INITIAL[backbone.kind](backbone, task)
