"""What decides a student: its shape, the texts that it sees, and its fine-tuning. The section `pruner`.

The defaults are good on two cores. Nothing here imports TensorFlow.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from modules.settings import PositiveShare, Precision, Section, Seed, Share
from modules.tflite.settings import Storage

from pydantic import Field, field_validator, model_validator

TOLERANCE = 0.05  # how far a bundle may be beside what `pruner.student.target` says
_UNITS = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "kib": 2**10, "mib": 2**20}


class BudgetSettings(Section):
    """What the bundle may cost; layers, heads and neurons are then searched for, by loss per millisecond or byte.

    Exactly one of `speedup`, `ms` and `bytes`.
    """

    speedup: float | None = Field(None, gt=0)
    """How many times faster than the blessed model in float32, with one thread, at the p50 of single texts."""
    ms: float | None = Field(None, gt=0)
    """Milliseconds of a text of median length on this machine, with one thread."""
    bytes: int | None = Field(None, ge=1)
    """Size of the bundle; a number, or a text such as `4MB` or `900 KiB`."""
    recipe: str = "dynamic_wi4_afp32"
    """Recipe of the catalogue that the bundle is reckoned in; it must be among `converter.recipes`."""
    windows: list[Annotated[int, Field(ge=4)]] | None = None
    """Shorter windows of the bundle; as `converter.windows`, whose value it has if it is empty."""

    @property
    def asked(self) -> tuple[str, float]:
        """Which of the three is given, and its value."""
        return next((name, value) for name in _BUDGETS if (value := getattr(self, name)) is not None)

    @field_validator("bytes", mode="before")
    @classmethod
    def _with_unit(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
        if found is None or found[2].lower() not in _UNITS:
            raise ValueError(f"{value!r} is no size; write a number of bytes, or one with KB, MB, KiB or MiB")
        return round(float(found[1]) * _UNITS[found[2].lower()])

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        said = [name for name in _BUDGETS if getattr(self, name) is not None]
        if len(said) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(_BUDGETS)}, not {', '.join(said) if said else 'none of them'}"
            )
        return self


_BUDGETS = ("speedup", "ms", "bytes")


class StudentSettings(Section):
    """Shape of the student; its weights start as the teacher's."""

    layers: Annotated[int, Field(ge=1)] | list[Annotated[int, Field(ge=0)]] | None = 4
    """How many of the teacher's layers, or which; empty keeps all. A teacher with fewer keeps those it has."""
    by_importance: bool = False
    """With a number of layers: keep the most important ones (Taylor score) instead of evenly spaced ones."""
    heads: PositiveShare = 1.0
    """Share of the attention heads that stays, the most important ones."""
    intermediate: PositiveShare = 0.5
    """Share of the feed-forward neurons that stays, the most important ones."""
    allocation: Literal["uniform", "global"] = "uniform"
    """`uniform`: the same share in each layer; `global`: heads and neurons of all layers are ranked together."""
    importance_rows: int = Field(1024, ge=16)
    """Training rows that the ranking looks at."""
    trim_vocabulary: bool = True
    """Remove tokens that the training split never uses; see docs/compression.md. What no text can give always goes."""
    min_count: int = Field(1, ge=1)
    """How often a token must occur in the training split to stay. Above 1, training texts change their ids."""
    continuations: Literal["all", "seen"] = "all"
    """`all` keeps every piece that continues a word; `seen` only those of the training split."""
    embedding: Storage | None = None
    """Store the token embedding like this before fine-tuning and leave it so: the layers learn around what is lost,
    and a recipe that stores it the same way loses nothing more. Empty: it is trained."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Rate while fine-tuning."""
    target: BudgetSettings | None = None
    """What the bundle may cost: `{speedup: 6}`, `{ms: 2}` or `{bytes: 4MB}`. It decides layers, heads and neurons, so
    that `layers`, `by_importance`, `heads`, `intermediate` and `allocation` do not count."""


class AugmentationSettings(Section):
    """Variations of training texts that only the teacher labels; see docs/compression.md."""

    copies: int = Field(0, ge=0)
    """Variations of each text; 0 for none. They lengthen each epoch."""
    drop: Share = 0.1
    """Share of words that are left out."""
    replace: Share = 0.1
    """Share of words that a word of another text takes the place of."""
    join: Share = 0.3
    """Share of variations whose second half is that of another text."""


class DistillationSettings(Section):
    """What the blessed model teaches."""

    alpha: Share = 0.8
    """Share of the teacher's soft targets in the loss; the rest are the labels."""
    temperature: float = Field(2.0, gt=0)
    """Softens both distributions."""
    hidden: float = Field(0.0, ge=0)
    """Weight of the distance between hidden states; above 0 the teacher runs in every step."""
    attention: float = Field(0.0, ge=0)
    """Weight of the divergence between attention maps; above 0 the teacher runs in every step."""

    @property
    def needs_teacher_in_step(self) -> bool:
        """Whether the teacher must run beside the student; its logits alone can be computed once before."""
        return self.hidden > 0 or self.attention > 0


class PruningSettings(Section):
    """TF-MOT's magnitude pruning. Zeros make the compressed download smaller; only structure makes it faster."""

    pattern: Literal["none", "unstructured", "m_by_n", "block"] = "unstructured"
    """`none`; single weights; m zeros in every n; or whole blocks."""
    sparsity: float = Field(0.5, ge=0, lt=1)
    """Share of zeros in each kernel at the end (`m_by_n`: m / n)."""
    initial_sparsity: float = Field(0.0, ge=0, lt=1)
    """Share of zeros at the first update."""
    begin: Share = 0.1
    """When the first update happens, as a share of all steps."""
    end: Share = 0.6
    """When the last update happens; the remaining steps heal."""
    frequency: int = Field(20, ge=1)
    """Steps between two updates."""
    m_by_n: tuple[int, int] = (2, 4)
    """Zeros, and the consecutive weights that they are among."""
    block: tuple[int, int] = (4, 1)
    """Height and width of a block, inputs by outputs."""
    targets: list[str] = ["layer_*/attention/*", "layer_*/feedforward/*"]
    """Shell patterns of kernels: `layer_<i>/attention/{query,key,value,output}`,
    `layer_<i>/feedforward/{intermediate,output}`, `embedding/token`. Biases, norms and the head are never pruned."""

    @property
    def enabled(self) -> bool:
        """Whether there is a mask at all."""
        return self.pattern != "none"

    @property
    def final_sparsity(self) -> float:
        """Share of zeros that each kernel must have in the end."""
        if not self.enabled:
            return 0.0
        return self.m_by_n[0] / self.m_by_n[1] if self.pattern == "m_by_n" else self.sparsity

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.pattern != "none" and self.begin >= self.end:
            raise ValueError(f"begin ({self.begin}) must come before end ({self.end})")
        if not 0 < self.m_by_n[0] < self.m_by_n[1] or min(self.block) < 1:
            raise ValueError(f"m_by_n {self.m_by_n} needs 0 < m < n, block {self.block} numbers of at least 1")
        return self


class QuantizationAwareSettings(Section):
    """Fine-tunes with rounded weights, so that low-bit recipes cost less accuracy."""

    kernel_bits: Literal[4, 8] | None = 4
    """Bits of the layers' kernels; empty leaves them exact."""
    embedding_bits: Literal[4, 8] | None = None
    """Bits of the token embedding; empty leaves it exact."""
    embedding_block: int = Field(32, ge=1)
    """Values of a row that share a scale."""
    begin: Share = 0.6
    """When rounding starts, as a share of all steps; 1 never."""

    @property
    def enabled(self) -> bool:
        """Whether anything is ever rounded."""
        return self.begin < 1 and (self.kernel_bits is not None or self.embedding_bits is not None)


class FineTuning(Section):
    """How a student is fine-tuned."""

    distillation: DistillationSettings = DistillationSettings()
    """What the teacher adds."""
    pruning: PruningSettings = PruningSettings()
    """Zeros in its kernels."""
    quantization_aware: QuantizationAwareSettings = QuantizationAwareSettings()
    """Rounding while it learns."""
    epochs: int = Field(3, ge=1, le=10_000)
    """Passes over the train split."""
    batch_size: int = Field(32, ge=1, le=65_536)
    """Rows of a step, over all replicas."""
    learning_rate: float = Field(2e-4, gt=0)
    """Peak; a linear rise, then a linear fall."""
    warmup: Share = 0.1
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled decay; never on biases and layer norms."""
    modality_dropout: float | None = Field(None, ge=0, lt=1)
    """As `trainer.modality_dropout`, whose value it has if it is empty; the teacher judges the whole row."""
    clip_norm: float = Field(1.0, gt=0)
    """Largest global norm of the gradient."""
    checkpoint_seconds: float = Field(60.0, gt=0)
    """Time between two checkpoints that a killed run goes on from."""
    seed: Seed = 17
    """Of order, dropout and samples."""


class PrunerSettings(FineTuning):
    """Makes a small student of the blessed model and fine-tunes it."""

    student: StudentSettings = StudentSettings()
    """Its shape."""
    augmentation: AugmentationSettings = AugmentationSettings()
    """More texts for the teacher to label."""
    precision: Precision = "auto"
    """As in `trainer`."""

    @model_validator(mode="after")
    def _one_embedding(self) -> Self:
        if self.student.embedding and self.quantization_aware.embedding_bits:
            raise ValueError("student.embedding is not trained, so quantization_aware.embedding_bits must be empty")
        return self
