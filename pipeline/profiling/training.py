"""How long a draft trains, by steps rather than passes, so that few rows and many labels get enough of them.

And what it does about a label that is rare.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from modules.training.settings import TrainerSettings

from pipeline.profiling import shipping

_BATCH = 32
_STEPS, _STEPS_A_LABEL = 250, 8
_FEWEST, _MOST = 2, 60
_MOVED = 0.02  # of the rows lie between two thresholds that do equally well
_EVEN = 0.8  # of as many labels as there are; below it rare labels are so rare that they must be weighed


def epochs(rows: int, labels: int, *, share: float = 1.0) -> int:
    """Passes over the train split.

    Args:
        rows: of the train split that are used.
        labels: how many.
        share: of the steps that a fine-tuning takes; a student that begins as its teacher needs fewer.
    """
    steps = share * (_STEPS + _STEPS_A_LABEL * labels)
    return max(_FEWEST, min(_MOST, math.ceil(steps / max(1, rows / _BATCH))))


def patience_lines(epochs: int) -> list[str]:
    """How many epochs without progress such a training should bear: a quarter of them, as with `trainer.epochs: auto`.

    Args:
        epochs: of the training. Of few rows an epoch is a few steps, and the first ones are warming up.

    Returns:
        A line of the section `trainer`; none where its own default is as much.
    """
    needed = math.ceil(epochs / 4)
    if needed <= TrainerSettings().early_stopping_patience:
        return []
    return [f"  early_stopping_patience: {needed}  # epochs: each is a few steps, and the first ones are warming up"]


def looked_for(labels: Mapping[str, int]) -> str | None:
    """The rare one of two uneven labels, which the task is about; None where there is no such.

    Args:
        labels: rows by label.
    """
    return min(labels, key=lambda label: labels[label]) if len(labels) == 2 and unbalanced(labels) else None


def unbalanced(labels: Mapping[str, int]) -> bool:
    """Whether the labels are so uneven that rare ones are easily given up.

    Measured by the effective number of labels, the exponential of the entropy of their shares: 87 : 13 are worth 1.5
    of 2.
    """
    total = sum(labels.values())
    shares = [count / total for count in labels.values() if count]
    return math.exp(-sum(share * math.log(share) for share in shares)) < _EVEN * len(labels)


def decision(labels: Mapping[str, int]) -> list[str]:
    """Lines of a draft: the rare one of two labels, answered from a threshold on; none where labels are even.

    Args:
        labels: rows by label.
    """
    rare = looked_for(labels)
    if rare is None:
        return []
    share, name = labels[rare] / sum(labels.values()), json.dumps(rare, ensure_ascii=False)
    return [
        "target:",
        f"  positive: {name}  # {share:.1%} of the rows: to find it is what this is about",
        "  min_precision: 0.9  # recall_at_precision is the largest recall with this precision",
        "  decision: {threshold: auto, objective: macro_f1}  # chosen on eval; the likelier label is seldom it",
    ]


def own_thresholds(labels: Mapping[str, int]) -> float:
    """Share of the rows that two files answer differently since each has a threshold of its own; 0 where none has.

    Args:
        labels: rows by label.
    """
    return 0.0 if looked_for(labels) is None else _MOVED


def rare_drop(labels: Mapping[str, int], drop: float, eval_rows: int) -> list[str]:
    """Lines of a draft's edge gate: the loss of macro-F1, where accuracy hardly tells whether a rare label is found.

    Args:
        labels: rows by label.
        drop: loss of accuracy that is accepted.
        eval_rows: rows of the eval split.
    """
    rare = looked_for(labels)
    if rare is None:
        return []
    rows = round(eval_rows * labels[rare] / sum(labels.values()))
    bound = shipping.drop_bound(2 * drop, 2 * rows)
    return [f"        max_macro_f1_drop: {bound:g}  # about {rows} rows of the rare label decide it"]
