"""How a training runs, and what is searched before it: the sections `trainer` and `tuner`.

Nothing here imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from modules.settings import Precision, Section, Seed, Share

from pydantic import Field, TypeAdapter, ValidationError, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

AUTO: Literal["auto"] = "auto"
_AtLeastOne = Annotated[int, Field(ge=1, le=10_000)]
_whole: TypeAdapter[int] = TypeAdapter(_AtLeastOne)
# Of a training whose length follows from the rows: however few they are, and however many.
_FEWEST_PASSES, _MOST_PASSES = 3, 60


def _number_or_auto(value: Any, _: Callable[[Any], Any]) -> Any:
    """One error for a wrong value; pydantic would give one for each alternative."""
    try:
        return value if value == AUTO else _whole.validate_python(value)
    except ValidationError:
        if not isinstance(value, str):
            raise
        raise PydanticCustomError("number_or_auto", "Input should be a valid integer, or `auto`") from None


Passes = Annotated[_AtLeastOne | Literal["auto"], WrapValidator(_number_or_auto)]


class ContrastSettings(Section):
    """Supervised contrast: before a head is fitted, the encoder learns which rows have the same label.

    For 8 to 64 rows a label: it makes of each row as many examples as there are others.
    """

    steps: int = Field(60, ge=1, le=100_000)
    """Steps of the optimizer."""
    batch_size: int = Field(24, ge=4, le=4_096)
    """Rows per replica and step: two at least of each label in the batch, and as many labels as go in."""
    learning_rate: float = Field(2e-5, gt=0, le=1)
    """Peak of the schedule, which has the shape of the training's."""
    temperature: float = Field(0.1, gt=0, le=10)
    """What cosines are divided by: the lower, the more the nearest strangers count."""


class TrainerSettings(Section):
    """Fine-tuning. With the tuner on, the fields of `tuner.space` are replaced by the best trial's."""

    epochs: Passes = 3
    """Passes over the train split, at most (see `early_stopping_patience`). `auto`: as many as `min_steps` takes, but 3
    to 60."""
    min_steps: int = Field(900, ge=1, le=1_000_000)
    """Steps of the optimizer that `epochs: auto` plans for at least: of few rows it makes more passes."""
    batch_size: int = Field(32, ge=1, le=65_536)
    """Rows per replica and step; the global batch is this times the number of replicas."""
    learning_rate: float = Field(1e-4, gt=0, le=10)
    """Peak of the schedule."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate falls from its peak to 5 % of it; `constant` stays there."""
    warmup_fraction: Share = 0.1
    """Share of all steps over which the learning rate rises from 0."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Each layer of the encoder learns at so many times the rate of the one above it, the head at the full rate, the
    embeddings at the lowest: what a pretrained encoder knows of the language is kept while the head is still raw."""
    probe: Literal["none", "first", "only"] = "none"
    """Fit the head to the vectors of the untouched encoder before anything else: logistic regression, regularised as
    cross-validation on train says. `first` fine-tunes from there, and where no epoch is better on eval, the fitted head
    stays; `only` fine-tunes nothing. For few rows; a warm start and the trials of a search go without."""
    contrast: ContrastSettings | None = None
    """Draw rows of one label together before the head is fitted; needs `probe`, whose head on the encoder so trained
    stays only if it is better on eval than the one on the untouched encoder."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled decay; never on biases and layer norms."""
    gradient_clip_norm: float = Field(1.0, gt=0)
    """Largest global norm of the gradient."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Rate inside the encoder and before the head."""
    fusion: str = "concat"
    """How several inputs meet: `concat` (side by side), `gated` (weights of each row, shown in the report) or
    `attention` (each input looks at the parts of all)."""
    fusion_width: int = Field(128, ge=4, le=4096, multiple_of=4)
    """Width that `gated` and `attention` project each input to; attention splits it into 4 heads."""
    modality_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the rows of a training batch in which an input is taken for missing, each input by itself; one at least
    stays. So the network learns to answer without it; evaluation and serving leave out nothing."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs each class by the inverse of its frequency."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the right answer's weight in the loss that goes to all labels alike: against overconfidence."""
    early_stopping_patience: int = Field(2, ge=0)
    """Epochs without a better objective of the target (of one label macro-F1) on eval before training stops; the best
    weights are restored either way. With `epochs: auto` a quarter of the passes, if that is more: of few rows, an epoch
    is a few steps."""
    precision: Precision = "auto"
    """`auto`: mixed_float16 on a GPU, mixed_bfloat16 on a CPU with AVX512-BF16, else float32."""
    warm_start: bool | None = None
    """Start from the latest blessed model instead of the backbone's own weights. Empty: where `data.path` has spans."""
    seed: Seed = 17
    """Seeds Python, NumPy and TensorFlow."""
    checkpoint_steps: int = Field(100, ge=1)
    """Steps between two checkpoints that a killed training goes on from."""
    tensorboard: bool = True
    """Write TensorBoard logs into the ModelRun artifact: curves, hyperparameters, and those of the search's trials."""
    profile_steps: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)] | None = None
    """First and last step to profile, such as `[10, 12]`; needs `tensorboard`. A profiled step is slower."""

    def planned(self, steps_per_epoch: int) -> TrainerSettings:
        """The same with `epochs` as a number, and patience that goes with it.

        Args:
            steps_per_epoch: steps of a pass over the train split.
        """
        if self.epochs != AUTO:
            return self
        passes = min(_MOST_PASSES, max(_FEWEST_PASSES, -(-self.min_steps // steps_per_epoch)))
        return self.with_values(
            epochs=passes, early_stopping_patience=max(self.early_stopping_patience, -(-passes // 4))
        )

    @property
    def passes(self) -> int:
        """`epochs` of a planned training.

        Raises:
            ValueError: `epochs` is `auto`, and nobody called `planned`.
        """
        if not isinstance(self.epochs, int):
            raise ValueError(f"trainer.epochs is {self.epochs}; call `planned` first")
        return self.epochs

    @model_validator(mode="after")
    def _contrast_needs_a_probe(self) -> Self:
        if self.contrast and self.probe == "none":
            raise ValueError("contrast is judged by the head that is fitted behind it; set probe to first or only")
        return self

    @model_validator(mode="after")
    def _profile_fits(self) -> Self:
        if self.profile_steps and (self.profile_steps[0] > self.profile_steps[1] or not self.tensorboard):
            raise ValueError(f"profile_steps {self.profile_steps}: a first and a last step, with tensorboard: true")
        return self


class SpaceEntry(Section):
    """One hyperparameter to search."""

    name: Literal[
        "learning_rate", "dropout", "weight_decay", "warmup_fraction", "batch_size", "gradient_clip_norm",
        "layer_decay", "label_smoothing",
    ]  # fmt: skip
    """Field of the `trainer` section."""
    kind: Literal["float", "int", "choice"]
    """`float` and `int` take `min` and `max`, `choice` takes `values`."""
    min: float | None = None
    """Lowest value."""
    max: float | None = None
    """Highest value."""
    sampling: Literal["linear", "log"] = "linear"
    """`log` for scales such as the learning rate's."""
    values: list[float] | None = None
    """The values of a `choice`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "choice":
            if not self.values:
                raise ValueError("a choice needs `values`")
        elif self.min is None or self.max is None or self.min >= self.max:
            raise ValueError(f"a {self.kind} needs `min` < `max`")
        if self.sampling == "log" and self.min is not None and self.min <= 0:
            raise ValueError("log sampling needs `min` > 0")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value of a `float` or an `int`.

        Raises:
            ValueError: it is a `choice`, which has neither.
        """
        if self.min is None or self.max is None:
            raise ValueError(f"{self.name}: a {self.kind} has no bounds")
        return self.min, self.max


class TunerSettings(Section):
    """Search for hyperparameters, under the same strategy and precision as the training."""

    enabled: bool = True
    """False uses the values of the `trainer` section."""
    reuse: Literal["never", "latest"] = "never"
    """`latest` searches nothing and takes the best values of the last search in this metadata store."""
    algorithm: Literal["bayesian", "hyperband", "random"] = "bayesian"
    """How the space is searched (KerasTuner)."""
    trials: int = Field(8, ge=1)
    """Sets of values to try (Hyperband derives its own number from `epochs`)."""
    epochs: int = Field(1, ge=1, le=10_000)
    """Passes over the data per trial; for Hyperband, the most that a trial gets."""
    steps_per_epoch: int | None = Field(None, ge=1)
    """Steps that count as one pass in a trial. Empty: the whole train split."""
    eval_steps: int | None = Field(None, ge=1)
    """Batches of eval to score a trial on. Empty: all."""
    objective: str | None = None
    """What the search improves: `val_loss`, or `val_` and a metric that the target is trained by (of one label
    `val_macro_f1` and `val_accuracy`). Empty: the target's own objective."""
    space: list[SpaceEntry] = []
    """What is searched."""

    @model_validator(mode="after")
    def _space_is_needed(self) -> Self:
        if self.enabled and self.reuse == "never" and not self.space:
            raise ValueError("tuner.enabled needs at least one entry in tuner.space")
        names = [entry.name for entry in self.space]
        if len(set(names)) != len(names):
            raise ValueError(f"tuner.space names a hyperparameter twice: {names}")
        return self
