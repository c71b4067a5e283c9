"""What decides which variant ships: bounds, objective, and how cost is measured. The section `edge_evaluator`.

Nothing here imports TensorFlow.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from modules.settings import Section, Seed
from modules.targets.base import Target

from pydantic import Field

Objective = Literal["smallest", "fastest", "balanced"]
# Fields of the gate that bound a score of their own name.
_OF_ONE_SCORE = {
    field: field[4:].removesuffix("_drop") for field in ("max_accuracy_drop", "max_macro_f1_drop", "min_accuracy")
}


class Gate(Section):
    """What a variant must reach to be shipped; all compared with the blessed model converted as it is, in float32."""

    max_accuracy_drop: float | None = Field(0.01, ge=0)
    """Largest loss of accuracy on the eval split, of a target that has it; others have `max_drop`."""
    max_macro_f1_drop: float | None = Field(None, ge=0)
    """Largest loss of macro-F1 on the eval split. Of a rare label the accuracy hardly tells: to miss all of it costs
    1 % where it is 1 % of the rows."""
    max_drop: dict[str, Annotated[float, Field(ge=0)] | None] = {}
    """Largest loss on the eval split by score, where the target is not one label: of a number `rmse` and `mae`, as a
    share of the blessed model's (0.05: at most 5 % more), and `r2`; of several labels `micro_f1`, `macro_f1` and
    `subset_accuracy`. Without a word, 0.05 of `rmse`, 0.01 of `micro_f1`."""
    max_slice_drop: float | None = Field(0.025, ge=0)
    """Largest loss on any slice: of accuracy, of several labels micro-F1, of a number RMSE as a share of the blessed
    model's (there 0.1 if nothing is said)."""
    min_slice_rows: int = Field(100, ge=1)
    """Slices with fewer rows are reported and do not gate."""
    min_accuracy: float | None = Field(None, ge=0, le=1)
    """Floor of the accuracy."""
    min_size_ratio: float | None = Field(12.0, gt=0)
    """How many times smaller than the blessed model's float32 weights the bundle must be."""
    max_bytes: int | None = Field(None, ge=1)
    """Largest bundle."""
    min_latency_ratio: float | None = Field(4.0, gt=0)
    """How many times faster than the blessed model the p50 of a single text must be, with one thread."""
    max_latency_ms: float | None = Field(None, gt=0)
    """Largest p50 of a single text, with one thread, on the machine that measures."""
    min_agreement: float | None = Field(0.98, ge=0, le=1)
    """Least agreement with the student's own float32 variant: the share of texts with the same label; of several labels
    F1 of the ones against the others; of a number the share of its answers' variance that is kept."""

    def of_target(self, target: Target) -> Gate:
        """The same with the target's own bounds, where it has some and the configuration says nothing.

        Args:
            target: of the task.

        Raises:
            ValueError: a score is bounded that the target does not have; the text names the field and those it has.
        """
        asked = {f"max_drop.{score}": score for score in self.max_drop}
        asked |= {field: score for field, score in _OF_ONE_SCORE.items() if field in self.model_fields_set}
        for field, score in asked.items():
            bound = self.max_drop.get(score) if field.startswith("max_drop.") else getattr(self, field)
            if bound is not None and score not in target.edge_scores:
                raise ValueError(
                    f"edge_evaluator.gate.{field}: a target of kind {target.kind} has no {score}; "
                    f"max_drop bounds {', '.join(target.edge_scores)}"
                )
        changed: dict[str, Any] = {}
        if "accuracy" not in target.edge_scores:
            changed["max_accuracy_drop"] = None
        if target.edge_drops:
            changed["max_drop"] = {**target.edge_drops, **self.max_drop}
            if "max_slice_drop" not in self.model_fields_set:
                changed["max_slice_drop"] = target.edge_slice_drop
        return self.with_values(**changed) if changed else self


class CostSettings(Section):
    """How time and memory are measured."""

    texts: int = Field(40, ge=1)
    """Texts of the eval split, one call each."""
    rounds: int = Field(3, ge=1)
    """Times that every text goes through every variant, in alternation."""
    threads: list[Annotated[int, Field(ge=1)]] = Field([1, 2], min_length=1)
    """Numbers of threads; the gate looks at the first."""
    memory: bool = True
    """Measure the peak memory of each variant in a process of its own."""


class EdgeEvaluatorSettings(Section):
    """Runs every variant as a device would, decides what ships."""

    gate: Gate = Gate()
    """What a variant must reach."""
    objective: Objective = "balanced"
    """Which of the variants that pass is shipped; `balanced` makes bytes times latency smallest."""
    latency: CostSettings = CostSettings()
    """Measurement of time and memory."""
    seed: Seed = 17
    """Of the choice of texts."""
