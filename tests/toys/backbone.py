"""A backbone of one's own: BERT's layers, a vocabulary file, and weights that come from nowhere but this file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from modules.network.architecture import Architecture
from modules.network.arrays import EncoderWeights, LayerWeights
from modules.network.backbones.base import BACKBONES, Backbone
from modules.network.backbones.initial import INITIAL, Initial, Task

import numpy as np
from pydantic import Field

HEADS = 4


@BACKBONES.register("toy")
class Toy(Backbone):
    """Two layers that somebody else has trained."""

    kind: Literal["toy"] = "toy"
    """Selects this backbone."""
    width: int = Field(16, ge=8, multiple_of=HEADS)
    """Width of the encoder."""
    words: str
    """WordPiece vocabulary, one token a line."""

    def vocabulary_path(self) -> str:
        return self.words

    def files(self) -> Mapping[str, str]:
        return {"words": self.words}


@INITIAL.register("toy")
def initial(backbone: Backbone, task: Task) -> Initial:
    """See `modules.network.backbones.initial.of`."""
    assert isinstance(backbone, Toy)
    width = backbone.width
    architecture = Architecture(
        vocabulary_size=task.vocabulary_size,
        num_layers=2,
        num_heads=HEADS,
        hidden_dim=width,
        intermediate_dim=4 * width,
        max_sequence_length=task.sequence_length,
        num_classes=task.num_classes,
    )
    chance = np.random.default_rng(7)

    def drawn(*shape: int) -> np.ndarray:
        return chance.normal(0, 0.3, shape).astype(np.float32)

    def layer() -> LayerWeights:
        heads = {f"{name}_kernel": drawn(width, HEADS, width // HEADS) for name in ("query", "key", "value")}
        biases = {f"{name}_bias": drawn(HEADS, width // HEADS) for name in ("query", "key", "value")}
        return LayerWeights(
            **heads,
            **biases,
            output_kernel=drawn(HEADS, width // HEADS, width),
            output_bias=drawn(width),
            attention_gamma=1 + drawn(width),
            attention_beta=drawn(width),
            intermediate_kernel=drawn(width, 4 * width),
            intermediate_bias=drawn(4 * width),
            feedforward_kernel=drawn(4 * width, width),
            feedforward_bias=drawn(width),
            feedforward_gamma=1 + drawn(width),
            feedforward_beta=drawn(width),
        )

    return Initial(
        architecture,
        EncoderWeights(
            token=drawn(task.vocabulary_size, width),
            position=drawn(task.sequence_length, width),
            segment=drawn(2, width),
            norm_gamma=1 + drawn(width),
            norm_beta=drawn(width),
            layers=(layer(), layer()),
        ),
    )
