"""The shapes of the classifier and the names of its layers. Light: nothing here imports TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from modules.targets.kinds import ONE_LABEL

ENCODER = "encoder"
FUSION = "fusion"
INPUT_ENCODER = "encoder_of_"  # and the name of an input that encodes itself
TEXT = "text"  # the kind of input that folders are of which name none


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shapes and the function of the network, except its weights.

    Without an input that a backbone encodes, every number of the encoder is 0, see `without_backbone`.

    Attributes:
        vocabulary_size: rows of the token embedding.
        num_layers: transformer layers.
        num_heads: attention heads of each layer; must divide `hidden_dim`.
        hidden_dim: width of the encoder.
        intermediate_dim: width of the feed-forward layers.
        max_sequence_length: rows of the position embedding, the longest window in tokens.
        num_classes: outputs of the head; for one label, the labels.
        activation: `gelu` (exact, as in MiniLM's own code) or `gelu_tanh` (KerasNLP's approximation).
        num_segments: rows of the segment embedding; every token is in segment 0.
        head_dim: width of one head; None means `hidden_dim / num_heads`, as in BERT.
        layer_heads: heads of each layer where they differ from `num_heads`; needs `head_dim` when one of them does.
        layer_intermediate_dims: feed-forward width of each layer where it differs from `intermediate_dim`.
        inputs: by name, the sections of the inputs besides the one that the backbone encodes, in the order of fusion.
        target: kind of the target, whose head it is.
        encoded: kind of the input that the backbone encodes; empty where there is none.
        fusion: what `modules.network.fusion.kinds.section` says of the way in which inputs meet; empty for `concat`.
    """

    vocabulary_size: int
    num_layers: int
    num_heads: int
    hidden_dim: int
    intermediate_dim: int
    max_sequence_length: int
    num_classes: int
    activation: str = "gelu"
    num_segments: int = 2
    head_dim: int | None = None
    layer_heads: tuple[int, ...] | None = None
    layer_intermediate_dims: tuple[int, ...] | None = None
    inputs: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    target: str = ONE_LABEL
    encoded: str = TEXT
    fusion: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Makes tuples of JSON's lists and refuses shapes that cannot be built."""
        for name in ("layer_heads", "layer_intermediate_dims"):
            values = getattr(self, name)
            if values is None:
                continue
            object.__setattr__(self, name, tuple(int(value) for value in values))
            if len(values) != self.num_layers or any(value < 1 for value in values):
                raise ValueError(f"{name} is {list(values)}: {self.num_layers} numbers of at least 1 are needed.")

    @property
    def key_dim(self) -> int:
        """Width of one attention head."""
        return self.head_dim or self.hidden_dim // self.num_heads

    @property
    def heads(self) -> tuple[int, ...]:
        """Attention heads of each layer."""
        return self.layer_heads or (self.num_heads,) * self.num_layers

    @property
    def intermediate_dims(self) -> tuple[int, ...]:
        """Feed-forward width of each layer."""
        return self.layer_intermediate_dims or (self.intermediate_dim,) * self.num_layers

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values; those that say a text and one label alone are left out."""
        values = dataclasses.asdict(self)
        if not self.inputs:
            del values["inputs"]
        if self.target == ONE_LABEL:
            del values["target"]
        if self.encoded == TEXT:
            del values["encoded"]
        if not self.fusion:
            del values["fusion"]
        return values

    @classmethod
    def without_backbone(
        cls,
        *,
        num_classes: int,
        inputs: Mapping[str, Mapping[str, Any]],
        target: str,
        fusion: Mapping[str, Any] | None = None,
    ) -> Architecture:
        """A network whose inputs all encode themselves.

        Args:
            num_classes: outputs of the head.
            inputs: by name, the sections of the inputs.
            target: kind of the target.
            fusion: how the inputs meet, see the attribute.
        """
        return cls(
            vocabulary_size=0,
            num_layers=0,
            num_heads=0,
            hidden_dim=0,
            intermediate_dim=0,
            max_sequence_length=0,
            num_segments=0,
            num_classes=num_classes,
            inputs=inputs,
            target=target,
            encoded="",
            fusion=fusion or {},
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_dict`."""
        return cls(**values)
