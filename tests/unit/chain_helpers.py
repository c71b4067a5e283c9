"""From raw rows through Transform, as it runs in a pipeline, for tests of whole chains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import modules.preprocessing

import numpy as np
import tensorflow as tf

TRAINER: dict[str, Any] = {
    "epochs": 8, "batch_size": 16, "learning_rate": 0.02, "warmup_fraction": 0.1, "weight_decay": 0.0,
    "gradient_clip_norm": 1.0, "dropout": 0.0, "class_weights": "none", "early_stopping_patience": 12,
    "precision": "float32", "warm_start": False, "seed": 3, "checkpoint_steps": 100, "tensorboard": False,
}  # fmt: skip


def transformed(
    config: Mapping[str, Any], given: list[dict[str, Any]], folder: Path, numbers: tuple[str, ...] = ()
) -> tuple[str, list[dict[str, Any]]]:
    """Transform's graph of all rows, and what it makes of each, in their order; `numbers` are columns of float32."""
    import apache_beam as beam
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

    spec = {name: tf.io.FixedLenFeature([1], tf.float32 if name in numbers else tf.string) for name in given[0]}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    batch = {name: [[row[name]] for row in given] for name in given[0]}
    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(temp_dir=str(folder / "temp")):
        data = pipeline | beam.Create([{name: values[i] for name, values in batch.items()} for i in range(len(given))])
        graph = (data, metadata) | tft_beam.AnalyzeDataset(
            lambda raw: modules.preprocessing.preprocessing_fn(raw, config)
        )
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata_io.write_metadata(metadata, str(folder / "graph" / "metadata"))
    layer = tft.TFTransformOutput(str(folder / "graph")).transform_features_layer()
    found = layer({name: tf.constant(values) for name, values in batch.items()})
    made = [
        {name: np.atleast_1d(value[i].numpy()).ravel().tolist() for name, value in found.items()}
        for i in range(len(given))
    ]
    return str(folder / "graph"), made
