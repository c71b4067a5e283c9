"""What decides which variant ships: bounds, objective, and how cost is measured. The section `edge_evaluator`.

Nothing here imports TensorFlow.
"""

from __future__ import annotations

from typing import Annotated, Literal

from modules.settings import Section, Seed

from pydantic import Field

Objective = Literal["smallest", "fastest", "balanced"]


class Gate(Section):
    """What a variant must reach to be shipped; all compared with the blessed model converted as it is, in float32."""

    max_accuracy_drop: float | None = Field(0.01, ge=0)
    """Largest loss of accuracy on the eval split."""
    max_macro_f1_drop: float | None = Field(None, ge=0)
    """Largest loss of macro-F1 on the eval split. Of a rare label the accuracy hardly tells: to miss all of it costs
    1 % where it is 1 % of the rows."""
    max_slice_drop: float | None = Field(0.025, ge=0)
    """Largest loss of accuracy on any slice."""
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
    min_agreement: float | None = Field(0.98, ge=0, le=1)
    """Share of texts with the same label as the student's own float32 variant."""


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
