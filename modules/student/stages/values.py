"""What the stages hand on: one frozen value, to which each stage adds its own part."""

from __future__ import annotations

import dataclasses
from typing import Any

from modules.inputs.kinds import Inputs
from modules.network.architecture import Architecture
from modules.network.arrays import NetworkWeights
from modules.network.trained import Trained
from modules.rows import words as words_lib
from modules.rows.transformed import Examples
from modules.student.fine_tuning import TeacherSignals
from modules.student.settings import PrunerSettings
from modules.student.structured import Plan
from modules.text import vocabulary

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given:
    """What a student is made from.

    Attributes:
        teacher: the blessed model, in float32.
        train: training rows in the teacher's vocabulary.
        evaluation: held-out rows in the teacher's vocabulary; reported, not chosen on.
        settings: shape and fine-tuning.
        backup_dir: working directory, the same for the same inputs and settings; see `fine_tune`.
        policy: Keras precision policy to fine-tune under.
        strategy: where to fine-tune; None is this process' own.
        inputs: of the task; needed where the student is to learn without some of them.
    """

    teacher: Trained
    train: Examples
    evaluation: Examples
    settings: PrunerSettings
    backup_dir: str
    policy: str = "float32"
    strategy: tf.distribute.Strategy | None = None
    inputs: Inputs = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrimmedVocabulary(Given):
    """With the student's vocabulary.

    Attributes:
        words: tokens that stay, and which of the teacher's they are.
    """

    words: vocabulary.Trimmed

    def in_own_words(self, examples: Examples) -> Examples:
        """Rows of the teacher's vocabulary in the student's.

        Args:
            examples: rows in the teacher's numbers.
        """
        words = words_lib.of(self.teacher.architecture.encoded)
        return words.renumbered(examples, self.teacher.vocabulary, self.words.tokens)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CutNetwork(TrimmedVocabulary):
    """With the student's shape and the weights that it starts from.

    Attributes:
        plan: layers, heads and neurons of the teacher that stay.
        architecture: the student's shapes.
        weights: the student's arrays, taken from the teacher's.
        budget: what was asked for and found, where `settings.student.target` states a budget.
    """

    plan: Plan
    architecture: Architecture
    weights: NetworkWeights
    budget: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledRows(CutNetwork):
    """With the teacher's opinion.

    Attributes:
        seen: the rows that the student learns from, in the teacher's vocabulary; -1 where people gave no label.
        signals: what the teacher says of them.
    """

    seen: Examples
    signals: TeacherSignals


@dataclasses.dataclass(frozen=True, kw_only=True)
class TunedStudent(LabelledRows):
    """With a student that has learned.

    Attributes:
        student: the network under the policy and the strategy of the fine-tuning.
        score_before: of the cut network on `evaluation`, before it learned; of one label the accuracy.
        run: what `modules.student.fine_tuning.fine_tune` returned.
    """

    student: tf_keras.Model
    score_before: float
    run: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Compressed:
    """A student and how it came about.

    Attributes:
        trained: the student in float32, dropout 0, masks in its weights.
        evaluation: the held-out rows in the student's vocabulary.
        record: for `pruning.json`: shapes, sparsity per kernel, vocabulary, accuracy on `eval`, speed.
    """

    trained: Trained
    evaluation: Examples
    record: dict[str, Any]
