"""Third stage: the rows that the student learns from, and what the teacher says of them."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from modules.inputs.kinds import INPUTS
from modules.network.logits import split_logits
from modules.network.model import build_model
from modules.network.weights import read_weights, write_weights
from modules.registry import load
from modules.rows.transformed import Examples
from modules.stages import extend
from modules.student import distillation
from modules.student.fine_tuning import TeacherSignals
from modules.student.stages.values import CutNetwork, Given, LabelledRows

import numpy as np
from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras

LOGITS_FILE = "teacher_logits.npy"


def label(cut: CutNetwork) -> LabelledRows:
    """Adds variations of the training rows and asks the teacher about all of them.

    The answers are kept in `backup_dir`: a run that goes on does not ask again.

    Args:
        cut: what the stage before gave; `settings.augmentation` says how many variations.

    Returns:
        The same with the rows and the teacher's opinion of them.
    """
    seen = varied(cut)
    signals = TeacherSignals(_logits(cut, seen), target=cut.architecture.target)
    if cut.settings.distillation.needs_teacher_in_step and cut.plan.layers:
        signals = dataclasses.replace(
            signals, model=_under_policy(cut), features=_numbers(seen), layer_map=cut.plan.layers
        )
    return extend(cut, LabelledRows, seen=seen, signals=signals)


def varied(given: Given) -> Examples:
    """The training rows and, where `settings.augmentation` asks for them, unlabelled variations behind them.

    Args:
        given: training rows, vocabulary and settings.

    Raises:
        ValueError: the kind of the input makes none.
    """
    options = given.settings.augmentation
    if not options.copies:
        return given.train
    kind = given.teacher.architecture.encoded
    path = INPUTS[kind].parts.get("unlabelled") if kind else None
    if path is None:
        what = f"an input of kind {kind}" if kind else "a network without a backbone"
        raise ValueError(f"pruner.augmentation.copies: {what} has no variations; set it to 0")
    more = load(path)(
        given.train,
        given.teacher.vocabulary,
        unanswered=distillation.of(given.teacher.architecture.target).unanswered,
        **options.model_dump(),
        seed=given.settings.seed,
    )
    return given.train.followed_by(more)


def _numbers(rows: Examples) -> dict[str, NDArray[Any]]:
    """What a student reads in numbers of its own; the mask is the same for both."""
    return {name: rows.features[name] for name in rows.windows if name != rows.mask}


def _logits(given: Given, rows: Examples) -> NDArray[np.float32]:
    path = os.path.join(given.backup_dir, LOGITS_FILE)
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path, "rb") as file:
            return np.load(file)
    logits = split_logits(_under_policy(given), rows)
    tf.io.gfile.makedirs(given.backup_dir)
    with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
        np.save(file, logits)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
    return logits


def _under_policy(given: Given) -> tf_keras.Model:
    """The teacher under the policy of the fine-tuning, dropout 0; bfloat16 halves its time."""
    if given.policy == "float32":
        return given.teacher.model
    model = build_model(given.teacher.architecture, dropout=0.0, policy=given.policy)
    write_weights(model, read_weights(given.teacher.model))
    return model
