"""What a draft does where a label has few rows: the head is fitted to the encoder first, and eval gets more of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pipeline.profiling.sections import encoders

MOST_A_LABEL = 80  # rows of the whole file, on average
SHARES = {"train": 6, "eval": 2, "test": 2}  # of ten rows a label, one would decide which epoch is best
_BATCHES = ((400, 8), (1_500, 16))  # train rows, at most, and rows of a step
_STEPS, _STEPS_A_LABEL = 250, 8
_TEXTS, _MOST_COPIES, _MOST_EPOCHS = 1_000, 16, 20  # what a student sees of them


def are(labels: Mapping[str, int], backbone: str) -> bool:
    """Whether a file has few rows for each label, and an encoder to begin with that knows the language.

    Args:
        labels: rows by label.
        backbone: its kind; one of single characters knows nothing.
    """
    return backbone != encoders.SCRATCH and 0 < sum(labels.values()) <= MOST_A_LABEL * len(labels)


def share(split: str, *, few: bool) -> float:
    """Share of the rows that a draft puts into a split.

    Args:
        split: `train`, `eval` or `test`.
        few: whether the rows are few, as `are` says.
    """
    shares = SHARES if few else {"train": 8, "eval": 1, "test": 1}
    return shares[split] / sum(shares.values())


def splits() -> str:
    """The line of the section `data` for them."""
    parts = ", ".join(f"{name}: {part}" for name, part in SHARES.items())
    return f"  splits: {{{parts}}}  # of few rows, a tenth decides nothing"


def trainer(labels: Mapping[str, int]) -> list[str]:
    """Lines of the section `trainer`.

    Args:
        labels: rows by label.
    """
    each = sum(labels.values()) / len(labels)
    return [
        f"  probe: first  # about {each:.0f} rows a label: the head is fitted to the encoder, then all is trained,",
        "  epochs: auto  # and the better of both on eval stays",
        f"  min_steps: {_STEPS + _STEPS_A_LABEL * len(labels)}",
        f"  batch_size: {_batch(_learned(labels))}",
        "  learning_rate: 5.0e-5",
        "  layer_decay: 0.8",
    ]


def pruner(labels: Mapping[str, int]) -> list[str]:
    """Lines of a profile's section `pruner`: the fewer the rows, the more varied texts a student learns from.

    Args:
        labels: rows by label.
    """
    rows = _learned(labels)
    batch, copies = _batch(rows), min(_MOST_COPIES, round(_TEXTS / rows))
    steps = 2 * _STEPS + _STEPS_A_LABEL * len(labels)
    epochs = max(3, min(_MOST_EPOCHS, math.ceil(steps * batch / (rows * (1 + copies)))))
    varied = [f"      augmentation: {{copies: {copies}}}  # only the teacher labels them"] if copies else []
    return [f"      batch_size: {batch}", f"      epochs: {epochs}", *varied]


def _learned(labels: Mapping[str, int]) -> int:
    """Rows of the train split."""
    return max(1, round(sum(labels.values()) * SHARES["train"] / sum(SHARES.values())))


def _batch(rows: int) -> int:
    """Rows of a step: of a hundred rows, 32 would be three steps a pass."""
    return next((batch for most, batch in _BATCHES if rows <= most), 32)
