"""From raw rows through Transform, as it runs in a pipeline, and on to bundles, for tests of whole chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules.preprocessing
from modules import trainer
from modules.artifact_files import training_dir
from modules.device import measure
from modules.inputs import kinds as inputs_lib
from modules.network.trained import load_trained
from modules.rows.batches import load_split
from modules.student.compress import compress
from modules.targets import kinds as targets_lib
from modules.tflite import variants
from modules.tflite.recipes import RECIPES

import numpy as np
import tensorflow as tf

from tests.unit import compression_helpers

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


def bundled(
    config: dict[str, Any],
    given: list[dict[str, Any]],
    folder: Path,
    write_examples: Callable[..., str],
    *,
    train_rows: int,
    recipes: Sequence[str],
    compression: Mapping[str, Any],
    training: Mapping[str, Any] = TRAINER,
    numbers: tuple[str, ...] = (),
    calibration_rows: int = 16,
) -> SimpleNamespace:
    """Everything from raw rows to bundles.

    Args:
        config: inputs and target, as Transform is told them.
        given: raw rows; the first `train_rows` are learned from, the others are eval.
        folder: for all that is written.
        write_examples: the fixture.
        train_rows: see `given`.
        recipes: names of the files to make.
        compression: what differs from the settings of `compression_helpers`.
        training: the section `trainer`.
        numbers: columns of float32.
        calibration_rows: of a static recipe.

    Returns:
        What was given, and all that was made of it.
    """
    graph, written = transformed(config, given, folder, numbers)
    inputs, target = inputs_lib.read(config["inputs"]), targets_lib.read(config["target"])
    serving = str(folder / "model" / "Format-Serving")
    arguments = SimpleNamespace(
        custom_config={**config, "trainer": training}, hyperparameters=None, base_model=None,
        train_files=[write_examples(folder / "train.gz", written[:train_rows])],
        eval_files=[write_examples(folder / "eval.gz", written[train_rows:])],
        transform_graph_path=graph, serving_model_dir=serving, model_run_dir=str(folder / "run" / "1"),
    )  # fmt: skip
    trainer.run_fn(arguments)
    teacher = load_trained(training_dir(serving))
    train, evaluation = (load_split(files, inputs, target) for files in (arguments.train_files, arguments.eval_files))
    settings = compression_helpers.compression_settings(batch_size=16, learning_rate=3e-3, **compression)
    made = compress(teacher, train, evaluation, settings, backup_dir=str(folder / "backup"), inputs=inputs)
    index = variants.convert_all(
        made.trained, teacher, train, evaluation, [RECIPES[name] for name in recipes], folder=str(folder / "variants"),
        layout=inputs_lib.layout(inputs), calibration_rows=calibration_rows, parity_rows=32,
    )  # fmt: skip
    (folder / "bundles").mkdir()
    provenance = measure.Provenance("chain", "run-1")
    bundles = measure.make_bundles(str(folder / "variants"), str(folder / "bundles"), provenance, inputs)
    return SimpleNamespace(**locals())
