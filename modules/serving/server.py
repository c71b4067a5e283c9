"""The SavedModel that servers get, with the four signatures that Edgeline promises.

- `serving_default`: serialized `tf.Example`, as TF Serving, TFMA and BulkInferrer want;
- `serving_text`: a string tensor, as a REST client wants;
- `transform_features`: serialized `tf.Example` with its label to Transform's features, as TFMA wants;
- `tokens`: ids and mask, as the TFLite converter wants.

The second and the fourth have these names where a text is the only input. With several, they are `serving_rows`, with
one argument a column, and `tensors`, with one argument a tensor of the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.inputs import kinds
from modules.inputs.base import SERVING_ROWS, TENSORS
from modules.inputs.text.input import Text
from modules.serving import pooled, warmup
from modules.targets.base import Target
from modules.tensors import raw_spec

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizer's ops, which Transform's graph uses)
import tensorflow_transform as tft
import tf_keras

SERVING_DEFAULT, TRANSFORM_FEATURES = "serving_default", "transform_features"


class Server(tf.Module):
    """What is saved: the classifier, Transform's graph, and the functions over both.

    A plain module saves in a fraction of the time that a Keras model takes, and TFMA does not try to rebuild it.
    """

    def __init__(
        self, model: tf_keras.Model, transform_output: tft.TFTransformOutput, *, inputs: kinds.Inputs, target: Target
    ) -> None:
        """Gathers what the signatures need.

        Args:
            model: the network in float32.
            transform_output: Transform's output, for the graph and the raw features' specification.
            inputs: of the task.
            target: of the task.
        """
        super().__init__(name="server")
        self._model = model
        self._transform = transform_output.transform_features_layer()
        # A client need not send what a row may lack.
        optional = [column for column in kinds.columns(inputs) if column.type.startswith("optional")]
        self._raw_spec = dict(transform_output.raw_feature_spec())
        for name, spec in raw_spec(optional).items():
            shape = self._raw_spec[name].shape
            self._raw_spec[name] = tf.io.FixedLenFeature(shape, spec.dtype, np.full(shape, spec.default_value))
        # Tuples: TensorFlow would write a dictionary into the SavedModel as an object of its own.
        self._inputs, self._tensors = tuple(inputs.values()), kinds.tensors(inputs)
        self._columns, self._only = kinds.columns(inputs), kinds.only(inputs)
        main = kinds.with_backbone(inputs)
        self._mask, self._windows = kinds.mask(inputs), main.windows if main else 1
        self._answers = target.answers()

    @property
    def of_text(self) -> tuple[str, str] | None:
        """Name and argument of the signature that takes texts; None where a text is not the only input."""
        return self._only.alone[:2] if isinstance(self._only, Text) and self._only.alone else None

    def _answer(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        features = {tensor.name: tf.cast(tensors[tensor.name], tensor.dtype) for tensor in self._tensors}
        return self._answers(
            pooled.answer(self._network, features, self._tensors, mask=self._mask, windows=self._windows)
        )

    def _network(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return self._model(features, training=False)

    def _rows(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """From `[batch]` values by column to answers, each input without what no row of the batch needs of it."""
        tensors: dict[str, tf.Tensor] = {}
        for part in self._inputs:
            tensors |= part.trimmed(part.features(raw))
        return self._answer(tensors)

    def signatures(self) -> dict[str, Any]:
        """The concrete functions by signature name."""
        examples = tf.TensorSpec([None], tf.string, name="examples")
        columns = [column.name for column in self._columns]
        by_rows, argument, by_tensors = (self._only.alone if self._only else None) or (SERVING_ROWS, None, TENSORS)
        rows, default_rows = self._by_row(by_rows, columns, argument)

        def serving_default(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(serialized, {name: self._raw_spec[name] for name in columns})
            return default_rows(*(tf.reshape(parsed[name], [-1]) for name in columns))

        def transform_features(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._transform(tf.io.parse_example(serialized, self._raw_spec))

        return {
            SERVING_DEFAULT: tf.function(serving_default, input_signature=[examples]).get_concrete_function(),
            by_rows: rows.get_concrete_function(),
            TRANSFORM_FEATURES: tf.function(transform_features, input_signature=[examples]).get_concrete_function(),
            by_tensors: self._by_tensor(by_tensors).get_concrete_function(),
        }

    def _by_row(self, name: str, columns: list[str], argument: str | None) -> tuple[Any, Any]:
        """The signature that takes raw values, one tensor a column, and the function in it."""
        spec = raw_spec(self._columns)
        specs = [tf.TensorSpec([None], spec[column].dtype, name=argument or column) for column in columns]

        def serving(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._rows(dict(zip(columns, values, strict=True)))

        serving.__name__ = name
        return tf.function(serving, input_signature=specs), serving

    def _by_tensor(self, name: str) -> Any:
        """The signature that takes the network's tensors."""
        specs = [tf.TensorSpec([None, *tensor.shape], tensor.dtype, name=tensor.name) for tensor in self._tensors]

        def tensors_fn(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._answer({tensor.name: value for tensor, value in zip(self._tensors, values, strict=True)})

        tensors_fn.__name__ = f"{name}_fn"
        return tf.function(tensors_fn, input_signature=specs)


def save(server: Server, folder: str) -> None:
    """Writes the SavedModel with all signatures, and requests to warm it up where a text is the only input."""
    tf.saved_model.save(server, folder, signatures=server.signatures())
    if server.of_text:
        signature, argument = server.of_text
        warmup.write(folder, signature, argument)
