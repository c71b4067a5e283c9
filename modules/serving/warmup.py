"""Requests that TensorFlow Serving answers before it opens a version, so that no client waits for the first trace.

It reads them from a file of this name in `assets.extra`: a TFRecord of `PredictionLog`.
"""

from __future__ import annotations

from collections.abc import Sequence

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf

FOLDER, FILE = "assets.extra", "tf_serving_warmup_requests"
# Short and long, one and several: what is traced or allocated anew for a shape is there for each.
_BATCHES: Sequence[Sequence[str]] = (["warm up"], ["warm up " * 200], ["warm up"] * 8)


def write(folder: str, signature: str, argument: str) -> None:
    """Writes the file into a SavedModel.

    Args:
        folder: the SavedModel's.
        signature: takes one tensor of strings, `[batch]`.
        argument: its name.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    tf.io.gfile.makedirs(f"{folder}/{FOLDER}")
    with tf.io.TFRecordWriter(f"{folder}/{FOLDER}/{FILE}") as writer:
        for texts in _BATCHES:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            request.inputs[argument].CopyFrom(tf.make_tensor_proto(list(texts), tf.string))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString(deterministic=True))
