"""What decides `.tflite` files: how an embedding is stored, which operations are quantized. The section `converter`.

Nothing here imports TensorFlow.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from modules.settings import Section, Seed

from pydantic import Field, model_validator

Bits = Literal["float32", "int8", "int4", "int2"]


class Storage(Section):
    """How a token embedding is stored."""

    bits: Bits = "float32"
    """Of a number."""
    rare_bits: Bits | None = None
    """The same for all but the `frequent` most frequent tokens of the training split. Empty: as `bits`."""
    frequent: int = Field(2048, ge=1)
    """Tokens that `bits` is for, with `rare_bits`."""
    block: int = Field(32, ge=1)
    """Values of a row that share a scale; where it does not divide the width, their largest common divisor is taken."""


class Quantize(Section):
    """Which operations of a recipe are quantized, and how; of two that match, the later one holds."""

    mode: Literal["dynamic", "weight_only", "static", "float"]
    """`dynamic`: integer weights, the kernel quantizes activations; `weight_only`: integer weights, float arithmetic;
    `static`: integer activations, calibrated; `float`: leave alone."""
    scope: str = ".*"
    """Regular expression, searched in the operation's name, such as `layer_0/feedforward/output`."""
    operation: str = "FULLY_CONNECTED"
    """TFLite operation, or `*`."""
    weight_bits: Literal[4, 8] = 8
    """Bits of the weights."""
    activation_bits: Literal[8, 16] = 8
    """Bits of the activations, with `static`."""
    granularity: Literal["CHANNELWISE", "TENSORWISE", "BLOCKWISE_32", "BLOCKWISE_64", "BLOCKWISE_128"] = "CHANNELWISE"
    """What shares a scale. Blocks of pruned weights can be all zero, which int4 kernels refuse: `CHANNELWISE` there."""
    algorithm: Literal["min_max_uniform_quantize", "MSE", "OCTAV", "GPTQ"] = "min_max_uniform_quantize"
    """How the scale is found: by the largest weight, by the least error, by clipping, or by calibration."""


class Recipe(Section):
    """One way to make a `.tflite` file of a trained model."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    """Name of the variant; one of the catalogue's replaces that."""
    embedding: Storage = Storage()
    """Storage of the token embedding."""
    float16: bool = False
    """Store float constants in half precision; excludes `quantize`."""
    mask_value: float = Field(-1e4, lt=0)
    """Added to the attention scores of padding; -30 for `static` rules."""
    quantize: list[Quantize] = []
    """Rules, in order."""

    @property
    def needs_calibration(self) -> bool:
        """Whether examples must be run through the float model first."""
        return any(rule.mode == "static" or rule.algorithm == "GPTQ" for rule in self.quantize)

    @model_validator(mode="after")
    def _one_precision(self) -> Self:
        if self.float16 and self.quantize:
            raise ValueError(f"recipe {self.name!r}: float16 and quantization rules exclude each other")
        return self


class ConverterSettings(Section):
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
    custom_recipes: list[Recipe] = []
    """Recipes of one's own."""
    windows: list[Annotated[int, Field(ge=4)]] = [32]
    """Shorter windows, in tokens, that a file has beside the whole one: a text that fits is answered in less time.
    They share the weights."""
    calibration_rows: int = Field(200, ge=1)
    """Training rows, stratified by label, that static recipes are calibrated with."""
    parity_rows: int = Field(256, ge=1)
    """Rows of the eval split on which each variant is compared with the Keras model."""
    seed: Seed = 17
    """Of the samples."""
