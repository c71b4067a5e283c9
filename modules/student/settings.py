"""What decides a student: its shape, the texts that it sees, and its fine-tuning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from modules.student.distillation import DistillationSettings
from modules.student.fine_tuning import FineTuning
from modules.student.pruning import PruningSettings
from modules.student.quantization_aware import QuantizationAwareSettings
from modules.text.vocabulary import Continuations
from modules.tflite.packed_embedding import Storage


@dataclasses.dataclass(frozen=True)
class StudentSettings:
    """Shape of the student.

    Attributes:
        layers: which layers of the teacher, or how many; None keeps all.
        by_importance: with a number, keep the most important layers instead of evenly spaced ones.
        heads: share of the attention heads that stays.
        intermediate: share of the feed-forward neurons that stays.
        allocation: `uniform` or `global`, see `modules.student.structured.make_plan`.
        importance_rows: training rows that the ranking looks at.
        trim_vocabulary: whether unused tokens are removed.
        min_count: see `modules.text.vocabulary.trim`.
        continuations: see `modules.text.vocabulary.trim`.
        embedding: how the token embedding is stored before fine-tuning, and left; None trains it.
        dropout: rate while fine-tuning.
    """

    layers: tuple[int, ...] | int | None = 3
    by_importance: bool = False
    heads: float = 1.0
    intermediate: float = 0.5
    allocation: str = "uniform"
    importance_rows: int = 1024
    trim_vocabulary: bool = True
    min_count: int = 1
    continuations: Continuations = "all"
    embedding: Storage | None = None
    dropout: float = 0.1


@dataclasses.dataclass(frozen=True)
class AugmentationSettings:
    """Unlabelled variations of training texts, see `modules.student.unlabelled_variations`; `copies` 0 makes none."""

    copies: int = 0
    drop: float = 0.1
    replace: float = 0.1
    join: float = 0.3


@dataclasses.dataclass(frozen=True)
class CompressionSettings:
    """Everything that decides the student: its shape, the texts that it sees, and its fine-tuning."""

    student: StudentSettings = dataclasses.field(default_factory=StudentSettings)
    augmentation: AugmentationSettings = dataclasses.field(default_factory=AugmentationSettings)
    fine_tuning: FineTuning = dataclasses.field(default_factory=FineTuning)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CompressionSettings:
        """Reads the configuration's `pruner` section.

        Args:
            values: `student`, `augmentation`, `distillation`, `pruning` (its pattern may be `none`),
                `quantization_aware`, and the fields of `FineTuning`; `precision` is the caller's business.

        Raises:
            TypeError: a field that does not exist.
        """
        rest = {name: value for name, value in values.items() if name not in _SECTIONS}
        pruning = dict(values.get("pruning") or {"pattern": "none"})
        return cls(
            _student(values.get("student", {})),
            AugmentationSettings(**values.get("augmentation", {})),
            FineTuning(
                **rest,
                distillation=DistillationSettings(**values.get("distillation", {})),
                pruning=None if pruning.get("pattern") == "none" else PruningSettings(**_tuples(pruning)),
                quantization_aware=QuantizationAwareSettings(**values.get("quantization_aware", {})),
            ),
        )


_SECTIONS = ("student", "augmentation", "distillation", "pruning", "quantization_aware", "precision")


def _student(values: Mapping[str, Any]) -> StudentSettings:
    storage = values.get("embedding")
    return StudentSettings(**{**_tuples(values), "embedding": Storage(**storage) if storage else None})


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has lists where the settings have tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
