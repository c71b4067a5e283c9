"""Raw features to model features: the one function behind Transform, every signature and the device's tokenizer.

See the TFX guide on Transform, https://www.tensorflow.org/tfx/guide/transform.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules.entry_settings import TransformNodeSettings
from modules.inputs.base import Input
from modules.targets.base import Target
from modules.tensors import as_example

if TYPE_CHECKING:
    import tensorflow as tf


def preprocessing_fn(inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """TFX Transform's entry point.

    Args:
        inputs: raw features by name, `[batch, 1]`: the columns of the inputs and of the target. Others are ignored.
        custom_config: a `TransformNodeSettings`.

    Returns:
        What the inputs and the target make of them, `[batch, *shape]`: for a text `token_ids` and `padding_mask`, int64
        `[batch, sequence_length]`, for a label `label_id`, int64 `[batch]`.
    """
    import tensorflow as tf

    settings = TransformNodeSettings.from_values(custom_config)
    features: dict[str, tf.Tensor] = {}
    parts: list[Input | Target] = [*settings.inputs.values(), settings.target]
    for part in parts:
        raw = {column.name: tf.reshape(inputs[column.name], [-1]) for column in part.columns()}
        features |= {name: as_example(value) for name, value in part.features(raw).items()}
    return features
