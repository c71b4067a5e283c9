"""From the blessed model to a small student: trim the vocabulary, cut structure, distil, prune, measure.

The order of the stages matters. Trimming and structured pruning decide the shapes, so they come first and start from
the teacher's own weights; fine-tuning then heals what was cut while the masks close; what is saved is float32 with
exact zeros. Only the training split decides anything here; the `eval` split is looked at to report.
"""

from __future__ import annotations

from modules.inputs.kinds import Inputs
from modules.machine.progress import tell
from modules.network.architecture import Architecture
from modules.network.logits import split_outputs
from modules.network.trained import Trained
from modules.rows.transformed import Examples, by_text, first_of_text
from modules.student.settings import PrunerSettings
from modules.student.stages import cut, export, label, trim, tune
from modules.student.stages.values import Compressed, Given
from modules.targets.base import Target

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


def compress(
    teacher: Trained,
    train: Examples,
    evaluation: Examples,
    settings: PrunerSettings,
    *,
    backup_dir: str,
    policy: str = "float32",
    strategy: tf.distribute.Strategy | None = None,
    inputs: Inputs | None = None,
) -> Compressed:
    """Makes a student of a trained classifier.

    Args:
        teacher: the blessed model.
        train: training rows in the teacher's vocabulary.
        evaluation: held-out rows in the teacher's vocabulary; reported, not chosen on.
        settings: shape and fine-tuning; `precision` is resolved by the caller, see `policy`.
        backup_dir: working directory, the same for the same inputs and settings; see `fine_tune`.
        policy: Keras precision policy to fine-tune under.
        strategy: where to fine-tune.
        inputs: of the task; needed with `settings.modality_dropout`.

    Returns:
        The student.

    Raises:
        SparsityShortfallError: the exported weights have fewer zeros than asked for.
        ValueError: settings that do not fit the teacher.
    """
    given = Given(
        teacher=teacher,
        train=train,
        evaluation=evaluation,
        settings=settings,
        backup_dir=backup_dir,
        policy=policy,
        strategy=strategy,
        inputs=inputs or {},
    )
    tell("trimming the vocabulary")
    trimmed = trim.trim(given)
    tell("ranking neurons and heads")
    smaller = cut.cut(trimmed)
    tell(f"asking the teacher about {len(train) * (1 + settings.augmentation.copies)} rows")
    labelled = label.label(smaller)
    tuned = tune.tune(labelled)
    tell("evaluating")
    return export.export(tuned)


def decided(compressed: Compressed, target: Target) -> Target:
    """The target with what it leaves open chosen for the student, which is surer or less sure than its teacher.

    Args:
        compressed: what `compress` made.
        target: of the task.

    Raises:
        ValueError: the rows leave no choice.
    """
    if not target.is_open:
        return target
    rows = compressed.evaluation
    outputs = by_text(split_outputs(compressed.trained.model, rows), rows.texts)
    return target.settled(first_of_text(rows.labels, rows.texts), outputs)


def describe(architecture: Architecture) -> str:
    """One line for logs: `3 layers x 384, heads 12/12/12, feed-forward 768/768/768, 14210 tokens`."""
    if not architecture.encoded:
        return f"the encoders of {', '.join(architecture.inputs)}"
    heads = "/".join(map(str, architecture.heads))
    widths = "/".join(map(str, architecture.intermediate_dims))
    return (
        f"{architecture.num_layers} layers x {architecture.hidden_dim}, heads {heads}, feed-forward {widths}, "
        f"{architecture.vocabulary_size} tokens"
    )
