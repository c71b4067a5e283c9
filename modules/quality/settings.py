"""The `evaluator` section of the configuration: the gate in front of the server push.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from modules.settings import Section, Seed

from pydantic import Field, model_validator


class Bound(Section):
    """Limits of one metric on the eval split. At least one must be set."""

    min: float | None = None
    """The model is not blessed below this value."""
    max: float | None = None
    """The model is not blessed above this value."""
    max_drop: float | None = Field(None, ge=0)
    """How much worse than the latest blessed model the metric may be."""
    slice_min: float | None = None
    """Floor for the metric on every value of every slice column; of an error, of which less is better, a ceiling."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for value in (self.min, self.max, self.max_drop, self.slice_min)):
            raise ValueError("set at least one of min, max, max_drop, slice_min")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min is {self.min:g}, above max, {self.max:g}: no model could pass")
        return self


class GapBound(Section):
    """Limit of the gap of one metric between the slices of one column."""

    max_gap: Annotated[float, Field(ge=0)]
    """The model is not blessed where the best and the worst slice lie further apart than this."""
    decided_by: Literal["value", "lower_end"] = "value"
    """`value`: the gap itself; `lower_end`: that end of its interval, so that chance alone hardly ever decides."""


class FairnessSettings(Section):
    """How far apart the slices of a column may lie. Gaps are measured wherever there are slice columns."""

    bounds: dict[str, dict[str, GapBound]] = {}
    """By slice column and metric of the target: of one label accuracy, macro_f1, precision and recall (macro),
    `recall_<label>`, and equal_opportunity, the largest gap of any label's recall; of a number rmse and mae. Empty:
    gaps are shown and gate nothing."""
    min_rows: int = Field(30, ge=1)
    """Slices with fewer rows (for the recall of a label: fewer rows of that label) are shown and count for no gap."""
    resamples: int = Field(2000, ge=100)
    """Bootstrap samples behind an interval."""
    level: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the intervals."""
    seed: Seed = 17
    """Of the samples."""


class Beats(Section):
    """The model against another one, on the same rows of eval, with a paired bootstrap of the difference."""

    metric: str | None = None
    """What both are compared by, a metric that the target is trained by (of one label `macro_f1` or `accuracy`, of a
    number `rmse` or `mae`). Empty: the target's objective, the first of these."""
    margin: float = 0.0
    """How much better than the other the model has to be; below 0, how much worse it may be."""
    decided_by: Literal["upper_end", "value", "lower_end"] = "upper_end"
    """What of the difference must reach the margin. `upper_end` of its interval: a model is refused where it is worse
    by more than noise; `value`: the difference itself, whatever the noise; `lower_end`: only a proven win will do."""
    level: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the interval."""
    resamples: int = Field(2000, ge=100)
    """Bootstrap samples behind it."""
    seed: int = 17
    """Of the samples."""


class BeatsBaseline(Beats):
    """The model against the linear baseline."""


class BeatsServed(Beats):
    """The model against the one that was blessed last, which is what is served."""

    decided_by: Literal["upper_end", "value", "lower_end"] = "lower_end"
    """What of the difference must reach the margin. `lower_end` of its interval: only a proven win is pushed; `value`:
    the difference itself, whatever the noise; `upper_end`: whatever is not worse by more than noise."""


OtherLabels = Literal["not_compared", "shared", "refused"]


class EvaluatorSettings(Section):
    """The gate in front of the server push."""

    thresholds: dict[str, Bound] = {}
    """Bounds by metric of the target: of one label accuracy, macro_f1, balanced_accuracy, auc, pr_auc, precision and
    recall (macro), recall_at_precision, calibration_error; of several labels a row macro_f1, micro_f1,
    subset_accuracy, precision and recall (macro); of a number rmse, mae and r2."""
    fairness: FairnessSettings = FairnessSettings()
    """Gaps between slices."""
    other_labels: OtherLabels = "not_compared"
    """Where the latest blessed model has other labels: `not_compared`: it is told and passed over; `shared`: both are
    compared on the rows of the labels that both know, each answering with one of these, and `max_drop` holds there;
    `refused`: the run is refused before it trains anything."""
    beats_baseline: BeatsBaseline | None = BeatsBaseline()
    """The gate against the linear baseline, see docs/quality.md; `null` switches it off."""
    beats_served: BeatsServed | None = None
    """The gate against the latest blessed model, for runs that replace what is served: `watch --on` sets it. Empty: a
    new model need not be better, `max_drop` alone bounds how much worse it may be."""
