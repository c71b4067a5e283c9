"""Second stage: which layers, heads, neurons and rows of the embedding stay, and the arrays that they make."""

from __future__ import annotations

import dataclasses
import json
import os

from modules.network.weights import read_weights
from modules.rows.batches import TrainingStream
from modules.rows.transformed import stratified
from modules.stages import extend
from modules.student import distillation, structured
from modules.student.budget import Found, search
from modules.student.settings import BudgetSettings
from modules.student.stages.values import CutNetwork, TrimmedVocabulary
from modules.tflite.packed_embedding import embedding_table

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

BUDGET_FILE = "budget.json"


def cut(trimmed: TrimmedVocabulary) -> CutNetwork:
    """Ranks the teacher's units on training rows and takes what stays out of its weights.

    Args:
        trimmed: what the stage before gave; `settings.student` says how much stays.

    Returns:
        The same with the student's shapes and the weights that it starts from, the embedding as it will be stored.

    Raises:
        BudgetError: no student keeps the stated budget.
        ValueError: settings that do not fit the teacher.
    """
    storage, teacher = trimmed.settings.student.embedding, trimmed.teacher
    if not teacher.architecture.encoded:  # there is nothing to cut: it begins as what its teacher is
        whole = structured.Plan((), (), ())
        weights = read_weights(teacher.model)
        return extend(trimmed, CutNetwork, plan=whole, architecture=teacher.architecture, weights=weights)
    asked, budget = trimmed.settings.student.target, {}
    if asked is None:
        plan = make_plan(trimmed)
    else:
        found = _found(trimmed, asked)
        plan, budget = found.plan, found.record
    weights, architecture = structured.rebuild(read_weights(teacher.model), teacher.architecture, plan)
    token = weights.token[trimmed.words.kept]
    if storage:
        token = embedding_table(token, storage).dequantized()
    return extend(
        trimmed,
        CutNetwork,
        plan=plan,
        architecture=dataclasses.replace(architecture, vocabulary_size=len(trimmed.words.tokens)),
        weights=dataclasses.replace(weights, token=token),
        budget=budget,
    )


def _found(trimmed: TrimmedVocabulary, asked: BudgetSettings) -> Found:
    """What the search found; kept in `backup_dir`, since times differ and a run that goes on needs the same shapes."""
    path = os.path.join(trimmed.backup_dir, BUDGET_FILE)
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path) as file:
            return Found.from_dict(json.loads(file.read()))
    found = search(trimmed, importance_of(trimmed), asked)
    tf.io.gfile.makedirs(trimmed.backup_dir)
    with tf.io.gfile.GFile(f"{path}.partial", "w") as file:
        file.write(json.dumps(dataclasses.asdict(found)))
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
    return found


def importance_of(trimmed: TrimmedVocabulary) -> structured.Importance:
    """Scores of the teacher's units, on `importance_rows` training rows of all answers.

    Args:
        trimmed: as of `cut`.
    """
    shape, teacher = trimmed.settings.student, trimmed.teacher
    rows = stratified(trimmed.train.labels, shape.importance_rows, trimmed.settings.seed)
    stream = TrainingStream(
        trimmed.train.take(rows),
        batch_size=min(16, len(rows)),
        seed=0,
    )
    return structured.measure_importance(
        teacher.model,
        stream.batches(1).as_numpy_iterator(),
        distillation.of(teacher.architecture.target).of_model(teacher.model).plain_loss,
    )


def make_plan(trimmed: TrimmedVocabulary) -> structured.Plan:
    """Decides which units stay, where shares of them are given.

    Args:
        trimmed: as of `cut`.
    """
    shape, teacher = trimmed.settings.student, trimmed.teacher
    available = teacher.architecture.num_layers
    wanted = shape.layers if shape.layers is not None else available
    return structured.make_plan(
        importance_of(trimmed),
        # A teacher with fewer layers than asked for keeps those it has.
        layers=min(wanted, available) if isinstance(wanted, int) else wanted,
        heads=shape.heads,
        neurons=shape.intermediate,
        allocation=shape.allocation,
        by_importance=shape.by_importance,
    )
