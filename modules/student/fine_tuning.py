"""The loop that fine-tunes a student: distillation loss, masks after each step, rounded weights, resume at any step.

A loop of its own rather than `fit`, since masks, exchanged weights and a teacher's numbers must meet within a step, in
the right context of a distribution strategy; and since a run that continues must see the batches it would have seen.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.inputs.kinds import Inputs
from modules.machine import memory
from modules.machine.progress import tell
from modules.rows import transformed as examples_lib
from modules.rows.batches import lacking, training_batches
from modules.rows.transformed import Examples
from modules.student import distillation
from modules.student.distillation import Tapped, distillation_loss
from modules.student.pruning import MagnitudePruner
from modules.student.quantization_aware import WeightRounder
from modules.student.settings import FineTuning
from modules.targets.kinds import ONE_LABEL
from modules.tf_gaps.fused_adamw import FusedAdamW
from modules.training.optimizer import WarmupDecay

import numpy as np
from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras

_TEACHERS, _SOFT, _LABELS = "teacher/", "soft_targets", "labels"


@dataclasses.dataclass(frozen=True)
class TeacherSignals:
    """What the teacher says of the training rows.

    Attributes:
        logits: float32 `[rows, classes]`.
        model: the teacher itself, needed by losses on hidden states and attention only.
        features: what the teacher reads in other numbers than the student, by name, `[rows, ...]`; with `model` only.
        layer_map: for each layer of the student the teacher's layer that it follows; with `model` only.
        target: kind of the target, which says what the logits teach.
    """

    logits: NDArray[np.float32]
    model: tf_keras.Model | None = None
    features: Mapping[str, NDArray[Any]] | None = None
    layer_map: Sequence[int] = ()
    target: str = ONE_LABEL


def fine_tune(
    student: tf_keras.Model,
    train: Examples,
    teacher: TeacherSignals,
    settings: FineTuning,
    *,
    backup_dir: str,
    strategy: tf.distribute.Strategy | None = None,
    policy: str = "float32",
    inputs: Inputs | None = None,
) -> dict[str, Any]:
    """Trains a student in place; continues from `backup_dir` if a run with the same arguments was killed.

    Args:
        student: what `modules.network.model.build_model` returned, made inside the strategy's scope.
        train: rows in the student's vocabulary.
        teacher: the teacher's numbers for the same rows.
        settings: everything that decides the result.
        backup_dir: working directory of this run; the caller gives another one to other inputs or settings, and
            removes it when the result is safe.
        strategy: the scope that the student was made in.
        policy: the precision policy that the student was built under; `mixed_float16` scales the loss.
        inputs: of the task; needed with `settings.modality_dropout`.

    Returns:
        `steps`, `resumed_at`, `seconds`, `samples_per_second` and the last mean `loss`.

    Raises:
        ValueError: fewer rows than replicas, or settings that do not fit the network.
    """
    memory.keep_freed_memory()
    strategy = strategy or tf.distribute.get_strategy()
    if settings.batch_size % strategy.num_replicas_in_sync:
        replicas = strategy.num_replicas_in_sync
        raise ValueError(f"batch_size {settings.batch_size} is not a multiple of {replicas} replicas.")
    per_epoch = examples_lib.steps_per_epoch(len(train), settings.batch_size)
    total = per_epoch * settings.epochs
    tf_keras.utils.set_random_seed(settings.seed)
    with strategy.scope():
        pruner = MagnitudePruner(student, settings.pruning, total_steps=total) if settings.pruning.enabled else None
        optimizer = _optimizer(settings, total, policy)
        optimizer.build(student.trainable_variables)
        done = tf.Variable(0, dtype=tf.int64, trainable=False, name="done")
    checkpoint = tf.train.Checkpoint(
        student=student, optimizer=optimizer, pruning=pruner.variables if pruner else [], done=done
    )
    manager = tf.train.CheckpointManager(checkpoint, os.path.join(backup_dir, "fine_tuning"), max_to_keep=1)
    if manager.latest_checkpoint:
        checkpoint.restore(manager.latest_checkpoint).assert_existing_objects_matched()
    start = int(done.numpy())
    exact, rounded = _steps(student, tuple(train.features), teacher, settings, pruner, optimizer, strategy)
    begin_rounding = int(settings.quantization_aware.begin * total) if settings.quantization_aware.enabled else total
    losses: list[tf.Tensor] = []
    began = saved = told = time.monotonic()
    dataset = _dataset(train, teacher, settings, start, inputs or {})
    # Neither fetched ahead on a CPU nor read to its end: both make it wait at the end, for a minute after a long run.
    fetching = tf.distribute.InputOptions(experimental_fetch_to_device=bool(tf.config.list_logical_devices("GPU")))
    batches = iter(strategy.experimental_distribute_dataset(dataset, fetching))
    for number in range(start, total):
        losses.append((rounded if number >= begin_rounding else exact)(next(batches)))
        now = time.monotonic()
        if now - told > 2 or number + 1 == total:
            told = now
            speed = (number + 1 - start) * settings.batch_size / (now - began)
            _report(number + 1, per_epoch, settings.epochs, losses, speed)
        if now - saved > settings.checkpoint_seconds and number + 1 < total:
            done.assign(number + 1)
            manager.save()
            saved = now
    _finish(student, settings, pruner)
    done.assign(total)
    manager.save()
    seconds = time.monotonic() - began
    return {
        "steps": total,
        "resumed_at": start,
        "seconds": round(seconds, 1),
        "samples_per_second": round((total - start) * settings.batch_size / max(seconds, 1e-9), 1),
        "loss": _mean(losses),
    }


def _finish(student: tf_keras.Model, settings: FineTuning, pruner: MagnitudePruner | None) -> None:
    """Writes masks and rounding into the weights; the last update may have moved them since."""
    if pruner:
        pruner.apply()
    if settings.quantization_aware.enabled:
        WeightRounder(student, settings.quantization_aware).round()


def _steps(
    student: tf_keras.Model,
    names: Sequence[str],
    teacher: TeacherSignals,
    settings: FineTuning,
    pruner: MagnitudePruner | None,
    optimizer: tf_keras.optimizers.Optimizer,
    strategy: tf.distribute.Strategy,
) -> tuple[Callable[[Any], tf.Tensor], Callable[[Any], tf.Tensor]]:
    """One step with exact and one with rounded weights; each takes a distributed batch and returns the mean loss."""
    tapped = Tapped(student)
    tapped_teacher = Tapped(teacher.model) if teacher.model is not None else None
    variables = student.trainable_variables
    rounder = WeightRounder(student, settings.quantization_aware)
    taught = distillation.of(teacher.target).of_model(student)
    scaled = isinstance(optimizer, tf_keras.mixed_precision.LossScaleOptimizer)

    def gradients(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, list[Any]]:
        with tf.GradientTape() as tape:
            rows, _ = distillation_loss(
                settings.distillation,
                tapped,
                {name: batch[name] for name in names},
                batch[_LABELS],
                batch[_SOFT],
                teacher=tapped_teacher,
                teacher_features={name: batch.get(f"{_TEACHERS}{name}", batch[name]) for name in names},
                layer_map=teacher.layer_map,
                taught=taught,
            )
            # A share of the global batch, so that the sum over replicas is the mean over rows.
            loss = tf.reduce_sum(rows) / settings.batch_size
            target = optimizer.get_scaled_loss(loss) if scaled else loss
        result = tape.gradient(target, variables)
        return loss, optimizer.get_unscaled_gradients(result) if scaled else result

    def apply(values: list[Any]) -> None:
        optimizer.apply_gradients(zip(values, variables, strict=True))
        if pruner:
            pruner.update()

    def step(batch: Any, rounding: bool) -> tf.Tensor:
        masters = rounder.round() if rounding else None
        loss, values = strategy.run(gradients, args=(batch,))
        # Within a tf.function, the reads of the gradient come before this write.
        if masters is not None:
            rounder.restore(masters)
        strategy.run(apply, args=(values,))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, loss, axis=None)

    compiled = tf.function(step, autograph=False, reduce_retracing=True)
    return lambda batch: compiled(batch, False), lambda batch: compiled(batch, True)


def _optimizer(settings: FineTuning, total: int, policy: str) -> tf_keras.optimizers.Optimizer:
    optimizer = FusedAdamW(
        WarmupDecay(settings.learning_rate, total, settings.warmup),
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.clip_norm,
        epsilon=1e-6,
        jit_compile=False,  # XLA is slower than oneDNN on a CPU, and cannot be used under every strategy
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return tf_keras.mixed_precision.LossScaleOptimizer(optimizer) if policy == "mixed_float16" else optimizer


def _dataset(
    train: Examples, teacher: TeacherSignals, settings: FineTuning, start: int, inputs: Inputs
) -> tf.data.Dataset:
    """Batches of the run from `start` on, as dictionaries."""
    features = {**train.features, **{f"{_TEACHERS}{name}": read for name, read in (teacher.features or {}).items()}}
    windows = {name: values for name, values in features.items() if name.removeprefix(_TEACHERS) in train.windows}
    columns = {name: values for name, values in features.items() if name not in windows}
    columns |= {_LABELS: train.labels, _SOFT: teacher.logits}
    batches = training_batches(
        windows,
        columns,
        mask=train.mask,
        batch_size=settings.batch_size,
        seed=settings.seed,
        epochs=settings.epochs,
        skip_steps=start,
    )
    rate = settings.modality_dropout or 0.0
    if not rate:
        return batches
    names = tuple(train.features)
    return lacking(batches, inputs, names, rate=rate, seed=settings.seed, first=start, taught=_TEACHERS)


def _report(step: int, per_epoch: int, epochs: int, losses: list[tf.Tensor], speed: float) -> None:
    epoch = min((step - 1) // per_epoch + 1, epochs)
    loss, total = _mean(losses), per_epoch * epochs
    tell(
        f"student, epoch {epoch}/{epochs} step {step}/{total} loss {loss:.4g} {speed:.0f} texts/s",
        step=step,
        steps=total,
        epoch=epoch,
        epochs=epochs,
        loss=loss,
        samples_per_second=round(speed, 1),
    )


def _mean(losses: list[tf.Tensor]) -> float:
    """Mean of the latest losses; 0 if a continued run had nothing left to do."""
    return float(np.mean([loss.numpy() for loss in losses[-50:]])) if losses else 0.0
