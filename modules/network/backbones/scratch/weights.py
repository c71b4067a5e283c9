"""The shapes of a backbone with random weights."""

from __future__ import annotations

from modules.network.architecture import Architecture
from modules.network.backbones.base import Backbone
from modules.network.backbones.initial import Initial, Task
from modules.network.backbones.scratch.backbone import Scratch


def initial(backbone: Backbone, task: Task) -> Initial:
    """See `modules.network.backbones.initial.of`.

    Args:
        backbone: the shapes.
        task: window, tokens and labels.
    """
    assert isinstance(backbone, Scratch)
    architecture = Architecture(
        vocabulary_size=task.vocabulary_size,
        num_layers=backbone.num_layers,
        num_heads=backbone.num_heads,
        hidden_dim=backbone.hidden_dim,
        intermediate_dim=backbone.intermediate_dim,
        max_sequence_length=task.sequence_length,
        num_classes=task.num_classes,
        activation="gelu",
    )
    return Initial(architecture)
