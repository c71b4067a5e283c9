"""From the blessed model to a small student: trim the vocabulary, cut structure, distil, prune, measure.

The order matters. Trimming and structured pruning decide the shapes, so they come first and start from the teacher's
own weights; fine-tuning then heals what was cut while the masks close; what is saved is float32 with exact zeros.
Only the training split decides anything here; the `eval` split is looked at to report.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from modules.machine.progress import report as tell
from modules.network.anatomy import measure_sparsity
from modules.network.logits import split_logits
from modules.network.model import Architecture, build_model, token_embedding
from modules.network.trained import Trained
from modules.network.weights import read_weights, write_weights
from modules.rows.batches import TrainingStream
from modules.rows.token_windows import TokenWindows
from modules.rows.transformed import stratified
from modules.student import structured, unlabelled_variations
from modules.student.fine_tuning import TeacherSignals, fine_tune
from modules.student.pruning import PruningSettings, check_sparsity
from modules.student.settings import CompressionSettings, StudentSettings
from modules.text import vocabulary
from modules.tflite.packed_embedding import embedding_table

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras


@dataclasses.dataclass(frozen=True)
class Compressed:
    """A student and how it came about.

    Attributes:
        trained: the student in float32, dropout 0, masks in its weights.
        report: for `pruning.json`: shapes, sparsity per kernel, vocabulary, accuracy on `eval`, speed.
    """

    trained: Trained
    report: dict[str, Any]


def compress(
    teacher: Trained,
    train: TokenWindows,
    evaluation: TokenWindows,
    settings: CompressionSettings,
    *,
    backup_dir: str,
    policy: str = "float32",
    strategy: tf.distribute.Strategy | None = None,
) -> Compressed:
    """Makes a student of a trained classifier.

    Args:
        teacher: the blessed model.
        train: training rows in the teacher's vocabulary.
        evaluation: held-out rows in the teacher's vocabulary; reported, not chosen on.
        settings: shape and fine-tuning.
        backup_dir: working directory, the same for the same inputs and settings; see `fine_tune`.
        policy: Keras precision policy to fine-tune under.
        strategy: where to fine-tune.

    Returns:
        The student.

    Raises:
        SparsityShortfallError: the exported weights have fewer zeros than asked for.
        ValueError: settings that do not fit the teacher.
    """
    shape = settings.student
    tell("trimming the vocabulary")
    trimmed = _trim(teacher, train, shape)
    small_evaluation = _retokenized(evaluation, teacher.vocabulary, trimmed.tokens)
    weights = read_weights(teacher.model)
    tell("ranking neurons and heads")
    plan = _plan(teacher, train, settings)
    small_weights, architecture = structured.rebuild(weights, teacher.architecture, plan)
    token = small_weights.token[trimmed.kept]
    if shape.embedding:
        token = embedding_table(token, shape.embedding).dequantized()
    small_weights = dataclasses.replace(small_weights, token=token)
    architecture = dataclasses.replace(architecture, vocabulary_size=len(trimmed.tokens))

    seen = _augmented(train, teacher.vocabulary, settings)
    tell(f"asking the teacher about {len(seen)} texts")
    signals = _signals(teacher, seen, plan, settings, policy, backup_dir)
    with strategy.scope() if strategy else contextlib.nullcontext():
        student = build_model(architecture, dropout=shape.dropout, policy=policy)
        token_embedding(student).trainable = shape.embedding is None
    write_weights(student, small_weights)
    before = accuracy(student, small_evaluation)
    run = fine_tune(
        student,
        _retokenized(seen, teacher.vocabulary, trimmed.tokens),
        signals,
        settings.fine_tuning,
        backup_dir=backup_dir,
        strategy=strategy,
        policy=policy,
    )
    exported = build_model(architecture, dropout=0.0, policy="float32")
    write_weights(exported, read_weights(student))
    # Measured on what is saved, not on the network that was trained: a mask that got lost must be noticed here.
    sparsity = _check(exported, settings.fine_tuning.pruning)
    tell("evaluating")
    report = {
        "architecture": architecture.to_dict(),
        "layers_kept": list(plan.layers),
        "sparsity": sparsity,
        "sparsity_wanted": settings.fine_tuning.pruning.final_sparsity if settings.fine_tuning.pruning else 0.0,
        "vocabulary": {
            "before": len(teacher.vocabulary),
            "after": len(trimmed.tokens),
            "uncovered_characters": len(trimmed.uncovered),
            "eval_unknown_before": _unknown_share(evaluation, teacher.vocabulary),
            "eval_unknown_after": _unknown_share(small_evaluation, trimmed.tokens),
        },
        "parameters": {"before": weights.count(), "after": read_weights(exported).count()},
        "eval_accuracy": {
            "teacher": accuracy(teacher.model, evaluation),
            "student_before_fine_tuning": before,
            "student": accuracy(exported, small_evaluation),
        },
        "fine_tuning": run,
        "precision_policy": policy,
    }
    return Compressed(Trained(exported, architecture, trimmed.tokens, teacher.labels), report)


def accuracy(model: tf_keras.Model, examples: TokenWindows) -> float:
    """Share of rows whose most probable label is right; NaN without rows."""
    if not len(examples):
        return float("nan")
    return float(np.mean(split_logits(model, examples).argmax(axis=1) == examples.labels))


def _trim(teacher: Trained, train: TokenWindows, shape: StudentSettings) -> vocabulary.Trimmed:
    counts = vocabulary.count_tokens(train.token_ids, train.padding_mask, len(teacher.vocabulary))
    return vocabulary.trim(
        teacher.vocabulary,
        counts,
        min_count=shape.min_count if shape.trim_vocabulary else 0,
        continuations=shape.continuations,
    )


def _augmented(train: TokenWindows, tokens: Sequence[str], settings: CompressionSettings) -> TokenWindows:
    options = settings.augmentation
    if not options.copies:
        return train
    more = unlabelled_variations.augment(train, tokens, **dataclasses.asdict(options), seed=settings.fine_tuning.seed)
    return unlabelled_variations.joined(train, more)


def _retokenized(examples: TokenWindows, old: Sequence[str], new: Sequence[str]) -> TokenWindows:
    ids, mask = vocabulary.Retokenizer(old, new)(examples.token_ids, examples.padding_mask)
    return TokenWindows(ids, mask, examples.labels)


def _plan(teacher: Trained, train: TokenWindows, settings: CompressionSettings) -> structured.Plan:
    shape, available = settings.student, teacher.architecture.num_layers
    rows = stratified(train.labels, shape.importance_rows, settings.fine_tuning.seed)
    stream = TrainingStream(train.take(rows), batch_size=min(16, len(rows)), seed=0)
    importance = structured.measure_importance(teacher.model, stream.batches(1).as_numpy_iterator())
    wanted = shape.layers if shape.layers is not None else available
    return structured.make_plan(
        importance,
        # A teacher with fewer layers than asked for keeps those it has.
        layers=min(wanted, available) if isinstance(wanted, int) else wanted,
        heads=shape.heads,
        neurons=shape.intermediate,
        allocation=shape.allocation,
        by_importance=shape.by_importance,
    )


def _signals(
    teacher: Trained,
    train: TokenWindows,
    plan: structured.Plan,
    settings: CompressionSettings,
    policy: str,
    backup_dir: str,
) -> TeacherSignals:
    """The teacher's logits for the training rows, computed once and kept beside the checkpoints."""
    path = os.path.join(backup_dir, "teacher_logits.npy")
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path, "rb") as file:
            logits = np.load(file)
    else:
        logits = split_logits(_under(teacher, policy), train)
        tf.io.gfile.makedirs(backup_dir)
        with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
            np.save(file, logits)
        tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
    if not settings.fine_tuning.distillation.needs_teacher_in_step:
        return TeacherSignals(logits)
    return TeacherSignals(logits, _under(teacher, policy), train.token_ids, plan.layers)


def _under(teacher: Trained, policy: str) -> tf_keras.Model:
    """The teacher under the policy of the fine-tuning, dropout 0; bfloat16 halves its time."""
    if policy == "float32":
        return teacher.model
    model = build_model(teacher.architecture, dropout=0.0, policy=policy)
    write_weights(model, read_weights(teacher.model))
    return model


def _check(model: tf_keras.Model, pruning: PruningSettings | None) -> dict[str, float]:
    if pruning is None:
        return measure_sparsity(model)
    check_sparsity(measure_sparsity(model, pruning.targets), pruning.final_sparsity)
    return measure_sparsity(model, sorted({*pruning.targets, "layer_*"}))


def _unknown_share(examples: TokenWindows, tokens: Sequence[str]) -> float:
    """Share of `[UNK]` among the tokens of a split."""
    unknown = list(tokens).index("[UNK]")
    total = int(examples.padding_mask.sum())
    return float(((examples.token_ids == unknown) & (examples.padding_mask > 0)).sum() / max(total, 1))


def describe(architecture: Architecture) -> str:
    """One line for logs: `3 layers x 384, heads 12/12/12, feed-forward 768/768/768, 14210 tokens`."""
    heads = "/".join(map(str, architecture.heads))
    widths = "/".join(map(str, architecture.intermediate_dims))
    return (
        f"{architecture.num_layers} layers x {architecture.hidden_dim}, heads {heads}, feed-forward {widths}, "
        f"{architecture.vocabulary_size} tokens"
    )
