"""Third stage: the network learns, and survives a kill."""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.fitting import contrast, probe
from modules.fitting.values import BuiltModel, FittedModel
from modules.machine import devices, progress
from modules.stages import extend
from modules.tf_gaps import backup
from modules.training import compiled, resume, trace

import tf_keras


def fit(built: BuiltModel) -> FittedModel:
    """Trains, going on where a killed training of the same settings was.

    Args:
        built: what the stage before gave; `backup_dir` is that of the killed training.

    Returns:
        The same with the history of all epochs, those before a kill too, none where only the head was fitted; the
        network holds the best weights.
    """
    settings, target, stream, model = built.settings, built.target, built.stream, built.model
    steps, epochs = stream.steps_per_epoch, settings.passes
    done = backup.finished_steps(built.backup_dir, steps)
    if done:
        progress.tell(f"resuming after step {done} of {steps * epochs}", resumed_steps=done)
    best = resume.BestWeights(
        devices.own_folder(built.backup_dir),
        patience=settings.early_stopping_patience,
        monitor=f"val_{target.objective}",
        minimize=target.less_is_better(target.objective),
    )
    best.set_model(model)
    best.read()
    if best.is_over(done, steps):
        best.restore()
        return extend(built, FittedModel, history=best.history, probe=best.start)
    if settings.probe != "none" and not done and not built.base_model:
        _begin(built, best)
        if settings.probe == "only":
            return extend(built, FittedModel, history={}, probe=best.start)
    callbacks: list[tf_keras.callbacks.Callback] = [
        best,
        # After BestWeights, so that a checkpoint at an epoch's end comes with that epoch's record.
        backup.Backup(built.backup_dir, every=settings.checkpoint_steps, steps_per_epoch=steps),
        progress.training_callback(),
    ]
    if settings.tensorboard:
        callbacks += compiled.tensorboard_callbacks(built.log_dir, settings)
    options = devices.data_options()
    model.fit(
        stream.batches(epochs, skip_steps=done).with_options(options),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=built.evaluation.with_options(options),
        class_weight=target.class_weights(stream.labels, settings.class_weights),
        callbacks=callbacks,
        verbose=0,
    )
    best.restore()
    if settings.tensorboard and settings.profile_steps:
        trace.summarise(built.log_dir)
    if best.start is not None:
        epoch = f"epoch {best.best_epoch + 1} was" if best.best_epoch >= 0 else "no epoch was"
        progress.tell(f"{epoch} better on eval than the fitted head alone", best_epoch=best.best_epoch)
    return extend(built, FittedModel, history=best.history, probe=best.start)


def _begin(built: BuiltModel, best: resume.BestWeights) -> None:
    """Fits the head, to the encoder as it is and to one that has seen which rows belong together; the better stays."""
    best.begin(probe.put_into_head(built))
    wanted = built.settings.contrast
    if wanted is not None and contrast.draw_together(built, wanted):
        stays = best.begin_better({**probe.put_into_head(built), "contrast_steps": wanted.steps})
        told = "better" if stays else "no better, and was given up"
        progress.tell(f"the head on rows that were drawn together: {told} on eval", contrast=stays)
