"""Trainer's entry point: fine-tune under a strategy and a precision, survive a kill, export float32.

See the TFX guide on Trainer, https://www.tensorflow.org/tfx/guide/trainer. The work is done by the stages of
`modules.fitting`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.artifact_files import resume_folder
from modules.entry_settings import TrainerNodeSettings
from modules.fitting.build import build
from modules.fitting.decide import decide
from modules.fitting.export import export
from modules.fitting.fit import fit
from modules.fitting.load import load
from modules.fitting.record import record
from modules.fitting.values import Given
from modules.inputs import kinds as inputs_lib
from modules.machine import devices, memory, progress
from modules.training import hyperparameters, resume
from modules.training.settings import TrainerSettings

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
    record(export(decide(fit(build(load(given(fn_args)))))))


def given(fn_args: FnArgs) -> Given:
    """What TFX's arguments ask for, on this machine's devices; sets the seed of all that follows.

    Args:
        fn_args: see `run_fn`.

    Raises:
        ValueError: the arguments hold no settings of Trainer, or the tuner's values are out of bounds.
    """
    config = TrainerNodeSettings.from_values(fn_args.custom_config)
    settings = hyperparameters.resolve(config.trainer, fn_args.hyperparameters)
    tf_keras.utils.set_random_seed(settings.seed)
    strategy = devices.distribution_strategy()
    replicas = strategy.num_replicas_in_sync
    policy = devices.resolve_precision(settings.precision)
    progress.tell(f"{policy} on {replicas} replica{'s' if replicas > 1 else ''}", precision=policy, replicas=replicas)
    return Given(
        settings=settings,
        inputs=inputs_lib.learnt(config.inputs, fn_args.transform_graph_path),
        target=config.target,
        strategy=strategy,
        policy=policy,
        train_files=fn_args.train_files,
        eval_files=fn_args.eval_files,
        transform_graph=fn_args.transform_graph_path,
        base_model=fn_args.base_model,
        backup_dir=backup_dir(fn_args, settings),
        serving_dir=devices.output_folder(fn_args.serving_model_dir),
        log_dir=devices.output_folder(fn_args.model_run_dir),
        announced_dir=fn_args.serving_model_dir,
    )


def backup_dir(fn_args: FnArgs, settings: TrainerSettings) -> str:
    """A folder that the same training finds again in its next execution, and no other training does.

    Args:
        fn_args: see `run_fn`.
        settings: with the tuner's values.
    """
    identity = [
        settings.model_dump(mode="json"),
        fn_args.custom_config,
        *resume.contents(fn_args.train_files, fn_args.eval_files, fn_args.transform_graph_path, fn_args.base_model),
        devices.identity(),
    ]
    # The artifact's own folder is named after the execution; its parent is the node's.
    return resume_folder(os.path.dirname(fn_args.model_run_dir.rstrip("/")), identity)
