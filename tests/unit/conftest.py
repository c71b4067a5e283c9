"""What unit tests share: examples on disk, and a Transform graph that is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Features = dict[str, Sequence[Any]]


@pytest.fixture(scope="session")
def write_examples() -> Callable[[Path, Sequence[Features]], str]:
    """Writes rows as TFX does (gzip-compressed TFRecord of `tf.Example`) and returns the file's path."""

    def write(path: Path, rows: Sequence[Features]) -> str:
        import tensorflow as tf

        path.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
            for row in rows:
                example = tf.train.Example()
                for name, values in row.items():
                    feature = example.features.feature[name]
                    if isinstance(values[0], bytes):
                        feature.bytes_list.value.extend(values)
                    elif isinstance(values[0], float):
                        feature.float_list.value.extend(values)
                    else:
                        feature.int64_list.value.extend(values)
                writer.write(example.SerializeToString())
        return str(path)

    return write


@pytest.fixture(scope="session")
def transform_settings(tiny_backbone: dict[str, Any]) -> dict[str, Any]:
    """The sections of a configuration that Transform and Trainer get."""
    return {
        "inputs": {"text": {"kind": "text", "column": "text", "sequence_length": 16, "backbone": tiny_backbone}},
        "target": {"kind": "one_label", "column": "label", "labels": ["bad", "good"]},
    }


@pytest.fixture(scope="session")
def transform_graph(transform_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Transform's output for `text`, `label` and a number, which shows whether floats keep their type."""
    import modules.preprocessing

    import apache_beam as beam
    import tensorflow as tf
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

    def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
        features = modules.preprocessing.preprocessing_fn(inputs, transform_settings)
        return {**features, "number": tft.scale_to_0_1(inputs["number"])}

    spec = {
        "text": tf.io.FixedLenFeature([1], tf.string),
        "label": tf.io.FixedLenFeature([1], tf.string),
        "number": tf.io.FixedLenFeature([1], tf.float32),
    }
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    rows = [{"text": ["good film"], "label": ["good"], "number": [value]} for value in (0.0, 3.0)]
    folder = tmp_path_factory.mktemp("transform")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(temp_dir=str(folder / "temp")):
        data = pipeline | beam.Create(rows)
        transform_fn = (data, metadata) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata_io.write_metadata(metadata, str(folder / "graph" / "metadata"))  # as TFX's Transform does
    return str(folder / "graph")
