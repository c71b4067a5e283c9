"""Trainer's entry point: fine-tune under a strategy and a precision, survive a kill, export float32.

See the TFX guide on Trainer, https://www.tensorflow.org/tfx/guide/trainer.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.artifact_files import HISTORY_FILE, resume_folder, training_dir
from modules.entry_settings import TrainerNodeSettings
from modules.inputs import kinds as inputs_lib
from modules.machine import devices, memory, progress
from modules.network.architecture import Architecture
from modules.network.depth import layer_rates
from modules.network.model import build_model
from modules.network.trained import save_trained
from modules.rows import batches
from modules.serving import server as signatures
from modules.starting_model import load_split, starting_model
from modules.targets.base import Target
from modules.tf_gaps import backup
from modules.training import compiled, hyperparameters, resume, trace
from modules.training.settings import TrainerSettings

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs


def run_fn(fn_args: FnArgs) -> None:
    """Trains, and writes the SavedModel, the rebuildable model beside it, and the history.

    Args:
        fn_args: TFX's arguments. `custom_config` holds a `TrainerNodeSettings`; `hyperparameters` the tuner's values,
            if there was a search; `base_model` the latest blessed model's serving folder, for a warm start.
    """
    memory.keep_freed_memory()
    config = TrainerNodeSettings.from_values(fn_args.custom_config)
    settings = hyperparameters.resolve(config.trainer, fn_args.hyperparameters)
    inputs, target = config.inputs, config.target
    tf_keras.utils.set_random_seed(settings.seed)

    strategy = devices.distribution_strategy()
    replicas = strategy.num_replicas_in_sync
    policy = devices.resolve_precision(settings.precision)
    progress.report(f"{policy} on {replicas} replica{'s' if replicas > 1 else ''}", precision=policy, replicas=replicas)

    stream = batches.TrainingStream(
        load_split(fn_args.train_files, inputs, target),
        batch_size=settings.batch_size * replicas,
        seed=settings.seed,
    )
    settings = settings.planned(stream.steps_per_epoch)
    evaluation = batches.evaluation_batches(load_split(fn_args.eval_files, inputs, target), batch_size=128 * replicas)
    with strategy.scope():
        model, architecture = starting_model(inputs, target, settings, policy=policy, base_model=fn_args.base_model)
        total = stream.steps_per_epoch * settings.passes
        rates = layer_rates(model, settings.layer_decay)
        compiled.compile_model(model, settings, total_steps=total, target=target, rates=rates)

    backup_dir = _backup_dir(fn_args, settings)
    serving_dir, log_dir = (
        devices.output_folder(folder) for folder in (fn_args.serving_model_dir, fn_args.model_run_dir)
    )
    history = fit(model, stream, evaluation, settings, target, backup_dir=backup_dir, log_dir=log_dir)
    export(
        model,
        architecture,
        tft.TFTransformOutput(fn_args.transform_graph_path),
        serving_dir=serving_dir,
        inputs=inputs,
        target=target,
    )
    record = {
        "settings": settings.model_dump(mode="json"),
        "precision": policy,
        "replicas": replicas,
        "rows": stream.rows,
        "history": history,
        "parameters": int(model.count_params()),
        "warm_start": bool(fn_args.base_model),
    }
    for folder in (log_dir, training_dir(serving_dir)):
        tf.io.gfile.makedirs(folder)
        with tf.io.gfile.GFile(os.path.join(folder, HISTORY_FILE), "w") as out:
            json.dump(record, out, indent=2)
    devices.wait_for_all(strategy)  # until then another worker may still read its best weights there
    if devices.is_chief() and tf.io.gfile.exists(backup_dir):
        tf.io.gfile.rmtree(backup_dir)
    # Written last. Storage may show it later than the chief has written it, and TFX asks every worker for the model.
    devices.wait_for_chief(os.path.join(training_dir(fn_args.serving_model_dir), HISTORY_FILE))


def fit(
    model: tf_keras.Model,
    stream: batches.TrainingStream,
    evaluation: tf.data.Dataset,
    settings: TrainerSettings,
    target: Target,
    *,
    backup_dir: str,
    log_dir: str,
) -> dict[str, list[float]]:
    """Trains a compiled model, going on where a killed training of the same settings was.

    Args:
        model: compiled under its strategy.
        stream: training batches.
        evaluation: batches to choose the best epoch on.
        settings: the `trainer` section with the tuner's values.
        target: of the task.
        backup_dir: checkpoints of this very training; the caller removes it.
        log_dir: folder of TensorBoard's logs.

    Returns:
        Keras' history of the epochs that this process trained, by metric. The model holds the best weights.
    """
    steps, epochs = stream.steps_per_epoch, settings.passes
    done = backup.finished_steps(backup_dir, steps)
    if done:
        progress.report(f"resuming after step {done} of {steps * epochs}", resumed_steps=done)
    best = resume.BestWeights(
        devices.own_folder(backup_dir), patience=settings.early_stopping_patience, monitor=f"val_{target.objective}"
    )
    callbacks: list[tf_keras.callbacks.Callback] = [
        best,
        # After BestWeights, so that a checkpoint at an epoch's end comes with that epoch's record.
        backup.Backup(backup_dir, every=settings.checkpoint_steps, steps_per_epoch=steps),
        progress.training_callback(),
    ]
    if settings.tensorboard:
        callbacks += compiled.tensorboard_callbacks(log_dir, settings)
    options = devices.data_options()
    history = model.fit(
        stream.batches(epochs, skip_steps=done).with_options(options),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=evaluation.with_options(options),
        class_weight=target.class_weights(stream.labels, settings.class_weights),
        callbacks=callbacks,
        verbose=0,
    )
    best.restore()
    if settings.tensorboard and settings.profile_steps:
        trace.summarise(log_dir)
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def export(
    model: tf_keras.Model,
    architecture: Architecture,
    transform_output: tft.TFTransformOutput,
    *,
    serving_dir: str,
    inputs: inputs_lib.Inputs,
    target: Target,
) -> None:
    """Writes the float32 SavedModel and, beside it, what later nodes rebuild the network from.

    The network is rebuilt under float32 first: what is shipped depends neither on the policy nor on the strategy that
    trained it.

    Args:
        model: the trained network.
        architecture: its shape.
        transform_output: Transform's graph, which the server's signatures apply to raw rows.
        serving_dir: where the SavedModel goes; the rebuildable model goes to `training_dir` of it.
        inputs: of the task.
        target: of the task.
    """
    plain = build_model(architecture, dropout=0.0, policy="float32")
    plain.set_weights(model.get_weights())
    signatures.save(signatures.Server(plain, transform_output, inputs=inputs, target=target), serving_dir)
    main = inputs_lib.with_backbone(inputs)
    vocabulary = main.vocabulary() if main else []
    save_trained(training_dir(serving_dir), plain, architecture, vocabulary=vocabulary, labels=target.names)


def _backup_dir(fn_args: FnArgs, settings: TrainerSettings) -> str:
    """A folder that the same training finds again in its next execution, and no other training does."""
    identity = [
        settings.model_dump(mode="json"),
        fn_args.custom_config,
        fn_args.train_files,
        fn_args.eval_files,
        fn_args.transform_graph_path,
        fn_args.base_model,
        devices.identity(),
    ]
    # The artifact's own folder is named after the execution; its parent is the node's.
    return resume_folder(os.path.dirname(fn_args.model_run_dir.rstrip("/")), identity)
