"""Last stage: the student in float32 with exact zeros, checked and measured."""

from __future__ import annotations

from typing import Any

from modules.network import anatomy
from modules.network.model import build_model
from modules.network.trained import Trained
from modules.network.weights import read_weights, write_weights
from modules.rows import words as words_lib
from modules.rows.transformed import Examples
from modules.student import distillation
from modules.student.pruning import check_sparsity
from modules.student.settings import PruningSettings
from modules.student.stages.values import Compressed, TunedStudent

import tf_keras  # isort: skip  (after `modules`, which settles Keras 2)


def export(tuned: TunedStudent) -> Compressed:
    """Rebuilds the student as it is saved, and measures that.

    Args:
        tuned: what the stage before gave.

    Returns:
        The student and the record of it.

    Raises:
        SparsityShortfallError: the exported weights have fewer zeros than asked for.
    """
    exported = build_model(tuned.architecture, dropout=0.0, policy="float32")
    write_weights(exported, read_weights(tuned.student))
    # Measured on what is saved, not on the network that was trained: a mask that got lost must be noticed here.
    sparsity = check(exported, tuned.settings.pruning)
    student = Trained(exported, tuned.architecture, tuned.words.tokens, tuned.teacher.labels)
    evaluation = tuned.in_own_words(tuned.evaluation)
    return Compressed(student, evaluation, _record(tuned, exported, evaluation, sparsity))


def check(model: tf_keras.Model, pruning: PruningSettings) -> dict[str, float]:
    """Share of zeros by kernel, which must be as large as `pruning` promised.

    Args:
        model: the network that is saved.
        pruning: what was asked for.

    Raises:
        SparsityShortfallError: a kernel has fewer zeros.
    """
    parts = anatomy.of(model)
    if not pruning.enabled:
        return parts.sparsity()
    check_sparsity(parts.sparsity(pruning.targets), pruning.final_sparsity)
    return parts.sparsity(sorted({*pruning.targets, *(["layer_*"] if parts.layers else [])}))


def _record(
    tuned: TunedStudent, exported: tf_keras.Model, evaluation: Examples, sparsity: dict[str, float]
) -> dict[str, Any]:
    teacher, pruning, target = tuned.teacher, tuned.settings.pruning, tuned.architecture.target
    words = words_lib.of(teacher.architecture.encoded)
    return {
        "architecture": tuned.architecture.to_dict(),
        "layers_kept": list(tuned.plan.layers),
        "sparsity": sparsity,
        "sparsity_wanted": pruning.final_sparsity,
        "vocabulary": {
            "before": len(teacher.vocabulary),
            "after": len(tuned.words.tokens),
            "uncovered_characters": len(tuned.words.uncovered),
            "eval_unknown_before": words.unknown_share(tuned.evaluation, teacher.vocabulary),
            "eval_unknown_after": words.unknown_share(evaluation, tuned.words.tokens),
        },
        "parameters": {"before": read_weights(teacher.model).count(), "after": read_weights(exported).count()},
        f"eval_{distillation.of(target).measure}": {
            "teacher": distillation.score(teacher.model, tuned.evaluation, target),
            "student_before_fine_tuning": tuned.score_before,
            "student": distillation.score(exported, evaluation, target),
        },
        "fine_tuning": tuned.run,
        "precision_policy": tuned.policy,
        **({"budget": tuned.budget} if tuned.budget else {}),
    }
