"""The configuration of the nodes behind the blessing: Pruner, TFLiteConverter, EdgeEvaluator.

The defaults are good on two cores. Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from modules.settings import Section

from pydantic import Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveShare = Annotated[float, Field(gt=0.0, le=1.0)]


class EmbeddingStorage(Section):
    """How a token embedding is stored."""

    bits: Literal["float32", "int8", "int4", "int2"] = "float32"
    """Of a number."""
    rare_bits: Literal["float32", "int8", "int4", "int2"] | None = None
    """The same for all but the `frequent` most frequent tokens of the training split. Empty: as `bits`."""
    frequent: int = Field(2048, ge=1)
    """Tokens that `bits` is for, with `rare_bits`."""
    block: int = Field(32, ge=1)
    """Values of a row that share a scale."""


class StudentConfig(Section):
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
    embedding: EmbeddingStorage | None = None
    """Store the token embedding like this before fine-tuning and leave it so: the layers learn around what is lost,
    and a recipe that stores it the same way loses nothing more. Empty: it is trained."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Rate while fine-tuning."""


class DistillationConfig(Section):
    """What the blessed model teaches."""

    alpha: Share = 0.8
    """Share of the teacher's soft targets in the loss; the rest are the labels."""
    temperature: float = Field(2.0, gt=0)
    """Softens both distributions."""
    hidden: float = Field(0.0, ge=0)
    """Weight of the distance between hidden states; above 0 the teacher runs in every step."""
    attention: float = Field(0.0, ge=0)
    """Weight of the divergence between attention maps; above 0 the teacher runs in every step."""


class AugmentationConfig(Section):
    """Variations of training texts that only the teacher labels; see docs/compression.md."""

    copies: int = Field(0, ge=0)
    """Variations of each text; 0 for none. They lengthen each epoch."""
    drop: Share = 0.1
    """Share of words that are left out."""
    replace: Share = 0.1
    """Share of words that a word of another text takes the place of."""
    join: Share = 0.3
    """Share of variations whose second half is that of another text."""


class PruningConfig(Section):
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

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.pattern != "none" and self.begin >= self.end:
            raise ValueError(f"begin ({self.begin}) must come before end ({self.end})")
        if not 0 < self.m_by_n[0] < self.m_by_n[1] or min(self.block) < 1:
            raise ValueError(f"m_by_n {self.m_by_n} needs 0 < m < n, block {self.block} numbers of at least 1")
        return self


class QuantizationAwareConfig(Section):
    """Fine-tunes with rounded weights, so that low-bit recipes cost less accuracy."""

    kernel_bits: Literal[4, 8] | None = 4
    """Bits of the layers' kernels; empty leaves them exact."""
    embedding_bits: Literal[4, 8] | None = None
    """Bits of the token embedding; empty leaves it exact."""
    embedding_block: int = Field(32, ge=1)
    """Values of a row that share a scale."""
    begin: Share = 0.6
    """When rounding starts, as a share of all steps."""


class PrunerConfig(Section):
    """Makes a small student of the blessed model and fine-tunes it."""

    student: StudentConfig = StudentConfig()
    """Its shape."""
    augmentation: AugmentationConfig = AugmentationConfig()
    """More texts for the teacher to label."""
    distillation: DistillationConfig = DistillationConfig()
    """What the teacher adds."""
    pruning: PruningConfig = PruningConfig()
    """Zeros in its kernels."""
    quantization_aware: QuantizationAwareConfig = QuantizationAwareConfig()
    """Rounding while it learns."""
    epochs: int = Field(3, ge=1)
    """Passes over the train split."""
    batch_size: int = Field(32, ge=1)
    """Rows of a step, over all replicas."""
    learning_rate: float = Field(2e-4, gt=0)
    """Peak; a linear rise, then a linear fall."""
    warmup: Share = 0.1
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled decay; never on biases and layer norms."""
    clip_norm: float = Field(1.0, gt=0)
    """Largest global norm of the gradient."""
    checkpoint_seconds: float = Field(60.0, gt=0)
    """Time between two checkpoints that a killed run goes on from."""
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = "auto"
    """As in `trainer`."""
    seed: int = 17
    """Of order, dropout and samples."""

    @model_validator(mode="after")
    def _one_embedding(self) -> Self:
        if self.student.embedding and self.quantization_aware.embedding_bits:
            raise ValueError("student.embedding is not trained, so quantization_aware.embedding_bits must be empty")
        return self


class QuantizeRule(Section):
    """Which operations of a recipe are quantized, and how; of two that match, the later one holds."""

    mode: Literal["dynamic", "weight_only", "static", "float"]
    """`dynamic`: integer weights, the kernel quantizes activations; `static`: calibrated; `float`: leave alone."""
    scope: str = ".*"
    """Regular expression, searched in the operation's name, such as `layer_0/feedforward/output`."""
    operation: str = "FULLY_CONNECTED"
    """TFLite operation, or `*`."""
    weight_bits: Literal[4, 8] = 8
    """Bits of the weights."""
    activation_bits: Literal[8, 16] = 8
    """Bits of the activations, with `static`."""
    granularity: Literal["CHANNELWISE", "TENSORWISE", "BLOCKWISE_32", "BLOCKWISE_64", "BLOCKWISE_128"] = "CHANNELWISE"
    """What shares a scale."""
    algorithm: Literal["min_max_uniform_quantize", "MSE", "OCTAV", "GPTQ"] = "min_max_uniform_quantize"
    """How the scale is found."""


class RecipeConfig(Section):
    """A conversion recipe of one's own."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    """Name of the variant; one of the catalogue's replaces that."""
    embedding: EmbeddingStorage = EmbeddingStorage()
    """Storage of the token embedding."""
    float16: bool = False
    """Store float constants in half precision; excludes `quantize`."""
    mask_value: float = Field(-1e4, lt=0)
    """Added to the attention scores of padding; -30 for `static` rules."""
    quantize: list[QuantizeRule] = []
    """Rules, in order."""


class ConverterConfig(Section):
    """Turns the student into `.tflite` files."""

    recipes: list[str] = Field(
        [
            "float32",
            "float16",
            "dynamic_wi8_afp32",
            "dynamic_wi8_afp32_e4",
            "dynamic_wi48_afp32_e4",
            "dynamic_wi4_afp32",
            "dynamic_wi4_afp32_e4r2",
            "static_wi8_ai8",
            "static_wi8_ai16",
        ],
        min_length=1,
    )
    """Names of recipes; `float32` is made in any case, the others are compared with it."""
    custom_recipes: list[RecipeConfig] = []
    """Recipes of one's own."""
    windows: list[Annotated[int, Field(ge=4)]] = [32]
    """Shorter windows, in tokens, that a file has beside the whole one: a text that fits is answered in less time.
    They share the weights."""
    calibration_rows: int = Field(200, ge=1)
    """Training rows, stratified by label, that static recipes are calibrated with."""
    parity_rows: int = Field(256, ge=1)
    """Rows of the eval split on which each variant is compared with the Keras model."""
    seed: int = 17
    """Of the samples."""


class GateConfig(Section):
    """What a variant must reach to be shipped; all compared with the blessed model converted as it is, in float32."""

    max_accuracy_drop: float | None = Field(0.01, ge=0)
    """Largest loss of accuracy on the eval split."""
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


class LatencyConfig(Section):
    """How time and memory are measured."""

    texts: int = Field(40, ge=1)
    """Texts of the eval split, one call each."""
    rounds: int = Field(3, ge=1)
    """Times that every text goes through every variant, in alternation."""
    threads: list[Annotated[int, Field(ge=1)]] = Field([1, 2], min_length=1)
    """Numbers of threads; the gate looks at the first."""
    memory: bool = True
    """Measure the peak memory of each variant in a process of its own."""


class EdgeEvaluatorConfig(Section):
    """Runs every variant as a device would, decides what ships."""

    gate: GateConfig = GateConfig()
    """What a variant must reach."""
    objective: Literal["smallest", "fastest", "balanced"] = "balanced"
    """Which of the variants that pass is shipped; `balanced` makes bytes times latency smallest."""
    latency: LatencyConfig = LatencyConfig()
    """Measurement of time and memory."""
    seed: int = 17
    """Of the choice of texts."""
