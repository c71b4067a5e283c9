"""Fourth stage: the student learns from people's labels and the teacher's opinion, while masks close."""

from __future__ import annotations

import contextlib

from modules.network import anatomy
from modules.network.model import build_model
from modules.network.weights import write_weights
from modules.stages import extend
from modules.student.distillation import score
from modules.student.fine_tuning import fine_tune
from modules.student.stages.values import LabelledRows, TunedStudent


def tune(labelled: LabelledRows) -> TunedStudent:
    """Builds the cut network under the policy and strategy of the fine-tuning, and trains it.

    Args:
        labelled: what the stage before gave; `settings` says how.

    Returns:
        The same with the trained student. A stored embedding is left as it is stored.

    Raises:
        ValueError: fewer rows than replicas, or settings that do not fit the network.
    """
    shape = labelled.settings.student
    with labelled.strategy.scope() if labelled.strategy else contextlib.nullcontext():
        student = build_model(labelled.architecture, dropout=shape.dropout, policy=labelled.policy)
        if labelled.architecture.encoded:
            anatomy.of(student).embeddings["token"].trainable = shape.embedding is None
    write_weights(student, labelled.weights)
    before = score(student, labelled.in_own_words(labelled.evaluation), labelled.architecture.target)
    run = fine_tune(
        student,
        labelled.in_own_words(labelled.seen),
        labelled.signals,
        labelled.settings,
        backup_dir=labelled.backup_dir,
        strategy=labelled.strategy,
        policy=labelled.policy,
        inputs=labelled.inputs,
    )
    return extend(labelled, TunedStudent, student=student, score_before=before, run=run)
