"""Tuner's entry point: search the declared space under the strategy and precision that Trainer uses.

Bayesian optimisation after Snoek et al. 2012, https://arxiv.org/abs/1206.2944; Hyperband after Li et al. 2018,
https://arxiv.org/abs/1603.06560; both as KerasTuner implements them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.artifact_files import resume_folder
from modules.entry_settings import TunerNodeSettings
from modules.inputs import kinds as inputs_lib
from modules.machine import devices, memory, progress
from modules.network.depth import layer_rates
from modules.rows import batches
from modules.rows.batches import load_split
from modules.starting_model import starting_model
from modules.tf_gaps.hyperband_trials import hyperband_trials
from modules.training import compiled, hyperparameters, resume
from modules.training.settings import SpaceEntry, TunerSettings

import keras_tuner
import tensorflow as tf
import tf_keras
from tfx.components.tuner.component import TunerFnResult

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs

LOG_DIR = "tensorboard"  # of the trials, inside the folder of the search
_HYPERBAND_FACTOR = 3


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Builds the search.

    Args:
        fn_args: TFX's arguments; `custom_config` holds a `TunerNodeSettings`.

    Returns:
        The tuner and what its `search` is called with.
    """
    memory.keep_freed_memory()
    config = TunerNodeSettings.from_values(fn_args.custom_config)
    search, target = config.tuner, config.target
    inputs = inputs_lib.learnt(config.inputs, fn_args.transform_graph_path)
    strategy = devices.distribution_strategy()
    policy = devices.resolve_precision(config.trainer.precision)
    replicas = strategy.num_replicas_in_sync
    evaluation = batches.evaluation_batches(
        load_split(fn_args.eval_files, inputs, target),
        batch_size=128 * replicas,
        limit=search.eval_steps,
    )

    train = load_split(fn_args.train_files, inputs, target)

    class _Classifier(keras_tuner.HyperModel):
        """Builds, compiles and feeds the classifier for one set of values."""

        def build(self, hp: keras_tuner.HyperParameters) -> tf_keras.Model:
            values = {entry.name: declare(hp, entry) for entry in search.space}
            self.settings = hyperparameters.resolve(config.trainer, {"values": values})
            tf_keras.utils.set_random_seed(self.settings.seed)
            self.stream = batches.TrainingStream(
                train,
                batch_size=self.settings.batch_size * replicas,
                seed=config.trainer.seed,
                inputs=inputs,
                modality_dropout=self.settings.modality_dropout,
            )
            self.steps = min(search.steps_per_epoch or self.stream.steps_per_epoch, self.stream.steps_per_epoch)
            model, _ = starting_model(inputs, target, self.settings, policy=policy, answers=train.labels)
            compiled.compile_model(
                model,
                self.settings,
                total_steps=self.steps * search.epochs,
                target=target,
                rates=layer_rates(model, self.settings.layer_decay),
            )
            return model

        def fit(self, hp: keras_tuner.HyperParameters, model: tf_keras.Model, **kwargs: Any) -> Any:
            epochs = int(kwargs.pop("epochs", search.epochs))
            options = devices.data_options()
            self.trial += 1
            names = [entry.name for entry in search.space]
            shown = " ".join(f"{name}={getattr(self.settings, name):.3g}" for name in names)
            callbacks = [
                *kwargs.pop("callbacks", []),
                progress.training_callback(f"trial {self.trial}/{trials} {shown}:"),
            ]
            return model.fit(
                self.stream.batches(epochs).with_options(options),
                steps_per_epoch=self.steps,
                epochs=epochs,
                validation_data=evaluation.with_options(options),
                class_weight=target.class_weights(self.stream.labels, config.trainer.class_weights),
                callbacks=callbacks,
                verbose=0,
                **{name: value for name, value in kwargs.items() if name not in ("verbose", "validation_data")},
            )

        trial = 0

    folder = _working_dir(fn_args)
    tuner = make_tuner(
        search,
        _Classifier(),
        directory=folder,
        seed=config.trainer.seed,
        minimize=target.less_is_better(search.objective or ""),
        strategy=strategy,
    )
    trials = tuner.oracle.max_trials
    # KerasTuner gives each trial a folder of its own, and writes its hyperparameters there for TensorBoard.
    logs = tf_keras.callbacks.TensorBoard(os.path.join(folder, LOG_DIR), write_graph=False, profile_batch=0)
    return TunerFnResult(tuner=tuner, fit_kwargs={"callbacks": [logs]} if config.trainer.tensorboard else {})


def declare(hp: keras_tuner.HyperParameters, entry: SpaceEntry) -> Any:
    """Registers one entry of the space.

    Args:
        hp: KerasTuner's container.
        entry: an item of `tuner.space`.

    Returns:
        The value to use in this trial.
    """
    if entry.kind == "choice":
        return hp.Choice(entry.name, entry.values)
    make, kind = (hp.Float, float) if entry.kind == "float" else (hp.Int, int)
    low, high = entry.bounds
    return make(entry.name, kind(low), kind(high), sampling=entry.sampling)


def make_tuner(
    settings: TunerSettings,
    hypermodel: keras_tuner.HyperModel,
    *,
    directory: str,
    seed: int,
    minimize: bool = False,
    strategy: tf.distribute.Strategy | None = None,
) -> keras_tuner.Tuner:
    """The tuner that the `tuner` section names; an interrupted search in `directory` goes on.

    Args:
        settings: the section `tuner`.
        hypermodel: what it searches over.
        directory: where trials are kept.
        seed: of the search.
        minimize: whether less of the objective is better.
        strategy: under which each trial trains.
    """
    common: dict[str, Any] = {
        "hypermodel": hypermodel,
        "objective": keras_tuner.Objective(settings.objective, "min" if minimize else "max"),
        "directory": directory,
        "project_name": "search",
        "seed": seed,
        "distribution_strategy": strategy,
    }
    if settings.algorithm == "hyperband":
        tuner = keras_tuner.Hyperband(max_epochs=settings.epochs, factor=_HYPERBAND_FACTOR, **common)
        # TFX's executor asks the oracle for its number of trials, which Hyperband leaves open.
        tuner.oracle.max_trials = hyperband_trials(tuner)
        return tuner
    kinds = {"bayesian": keras_tuner.BayesianOptimization, "random": keras_tuner.RandomSearch}
    return kinds[settings.algorithm](max_trials=settings.trials, **common)


def _working_dir(fn_args: FnArgs) -> str:
    """A folder that the same search finds again in its next execution; TFX's own is named after the execution."""
    identity: Sequence[Any] = [fn_args.custom_config, *resume.contents(fn_args.train_files, fn_args.eval_files)]
    return resume_folder(fn_args.working_dir.split("/.system/")[0], identity)
