"""Conversion recipes as data: how the embedding is stored and which operations are quantized, how.

A recipe's name says what it does: `dynamic_wi4_afp32` has 4-bit weights, float activations that the kernel quantizes
on the fly; `_e8`, `_e4` say how the token embedding is stored where it differs from the other weights, `_e4r2` that
its rare rows have two bits. Scopes are
regular expressions over the operations' names in `modules.tflite.graph`: `embedding/`,
`layer_0/attention/{qkv,scores,output}/`, `layer_0/feedforward/{intermediate,output}/`, `layer_0/layer_norm/`,
`pooling/`, `head/`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from modules.tflite.packed_embedding import Storage

Mode = Literal["dynamic", "weight_only", "static", "float"]

_PRODUCT = "FULLY_CONNECTED"
_LAYERS = r"layer_\d+/"


class RecipeError(ValueError):
    """A recipe that does not exist or contradicts itself."""


@dataclasses.dataclass(frozen=True)
class Quantize:
    """Which operations are quantized, and how; of two that match, the later one holds.

    Attributes:
        mode: `dynamic` (integer weights, activations quantized by the kernel), `weight_only` (integer weights,
            float arithmetic), `static` (integer activations from calibration), or `float` (leave alone).
        scope: regular expression, searched in the operation's name.
        operation: TFLite operation, or `*` for all that the quantizer knows.
        weight_bits: 8 or 4.
        activation_bits: 8 or 16; `static` only.
        granularity: `CHANNELWISE`, `TENSORWISE` or `BLOCKWISE_32` and its like. Blocks of pruned weights can be all
            zero, which int4 kernels refuse: use `CHANNELWISE` there.
        algorithm: how a scale is found: `min_max_uniform_quantize`, `MSE`, `OCTAV` (clipping), `GPTQ` (calibrated).
    """

    mode: Mode
    scope: str = ".*"
    operation: str = _PRODUCT
    weight_bits: int = 8
    activation_bits: int = 8
    granularity: str = "CHANNELWISE"
    algorithm: str = "min_max_uniform_quantize"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One way to make a `.tflite` file of a trained model.

    Attributes:
        name: name of the variant.
        embedding: storage of the token embedding, see `modules.tflite.packed_embedding`.
        float16: store every float constant in half precision.
        mask_value: added to the attention scores of padding.
        quantize: rules for ai-edge-quantizer, in order.
    """

    name: str
    embedding: Storage = dataclasses.field(default_factory=Storage)
    float16: bool = False
    mask_value: float = -1e4
    quantize: tuple[Quantize, ...] = ()

    @property
    def needs_calibration(self) -> bool:
        """Whether examples must be run through the float model first."""
        return any(rule.mode == "static" or rule.algorithm == "GPTQ" for rule in self.quantize)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return {**dataclasses.asdict(self), "quantize": [dataclasses.asdict(rule) for rule in self.quantize]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """The inverse of `to_dict`.

        Raises:
            RecipeError: an unknown field, or values that contradict each other.
        """
        try:
            rules = tuple(Quantize(**rule) for rule in values.get("quantize", ()))
            storage = Storage(**values.get("embedding", {}))
            recipe = cls(**{**values, "embedding": storage, "quantize": rules})
        except TypeError as error:
            raise RecipeError(f"recipe {values.get('name', '?')!r}: {error}") from error
        if recipe.float16 and recipe.quantize:
            raise RecipeError(f"recipe {recipe.name!r}: float16 and quantization rules exclude each other.")
        return recipe


# Four bits take the plain scale of the largest weight: quantization-aware fine-tuning rounds with it, so what was
# trained is what is stored. `MSE` and `OCTAV` assume weights that are spread like a bell and miss that grid.
_FOUR_BITS = (Quantize("dynamic"), Quantize("dynamic", scope=_LAYERS, weight_bits=4))
# The finite mask of the static recipes must not eat the range of the scores; what int8 breaks stays in float.
_STATIC_MASK = -30.0


def _static(activation_bits: int) -> tuple[Quantize, ...]:
    return (
        Quantize("static", scope=_LAYERS, operation="*", activation_bits=activation_bits),
        Quantize("float", scope="layer_norm|embedding/|pooling/|head/", operation="*"),
        Quantize("float", operation="SOFTMAX"),
        Quantize("float", operation="GELU"),
        # The converter folds a norm's gain into the product behind it, whose name then holds both scopes.
        Quantize("static", scope=rf"{_LAYERS}\S*/MatMul", activation_bits=activation_bits),
    )


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("float32"),
        Recipe("float16", float16=True),
        Recipe("dynamic_wi8_afp32", embedding=Storage("int8"), quantize=(Quantize("dynamic"),)),
        Recipe("dynamic_wi8_afp32_e4", embedding=Storage("int4"), quantize=(Quantize("dynamic"),)),
        Recipe("dynamic_wi4_afp32", embedding=Storage("int4"), quantize=_FOUR_BITS),
        Recipe("dynamic_wi4_afp32_e4r2", embedding=Storage("int4", rare_bits="int2", block=64), quantize=_FOUR_BITS),
        Recipe(
            # The attention's products are smaller and more sensitive than the feed-forward's.
            "dynamic_wi48_afp32_e4",
            embedding=Storage("int4"),
            quantize=(
                Quantize("dynamic"),
                Quantize("dynamic", scope=rf"{_LAYERS}feedforward", weight_bits=4),
            ),
        ),
        Recipe("weight_only_wi8_afp32", embedding=Storage("int8"), quantize=(Quantize("weight_only"),)),
        Recipe(
            "static_wi8_ai8",
            embedding=Storage("int8"),
            mask_value=_STATIC_MASK,
            quantize=_static(8),
        ),
        Recipe(
            "static_wi8_ai16",
            embedding=Storage("int8"),
            mask_value=_STATIC_MASK,
            quantize=_static(16),
        ),
    )
}


def resolve(names: Sequence[str], custom: Iterable[Mapping[str, Any]] = ()) -> list[Recipe]:
    """The recipes that a configuration asks for.

    Args:
        names: names from the catalogue or of `custom` recipes, without repetition.
        custom: recipes of the configuration's own; one with a catalogue's name replaces it.

    Returns:
        The recipes in the order of `names`.

    Raises:
        RecipeError: an unknown or repeated name, or a recipe that contradicts itself.
    """
    known = {**RECIPES, **{recipe.name: recipe for recipe in map(Recipe.from_dict, custom)}}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RecipeError(f"unknown recipe {unknown[0]!r}; known are {', '.join(known)}.")
    if len(set(names)) != len(names):
        raise RecipeError(f"a recipe is named twice: {', '.join(names)}.")
    return [known[name] for name in names]
