"""Conversion recipes as data: how the embedding is stored and which operations are quantized, how.

A recipe's name says what it does: `dynamic_wi4_afp32` has 4-bit weights, float activations that the kernel quantizes
on the fly; `_e8`, `_e4` say how the token embedding is stored where it differs from the other weights, `_e4r2` that
its rare rows have two bits. Scopes are
regular expressions over the operations' names in `modules.tflite.graph`: `embedding/`,
`layer_0/attention/{qkv,scores,output}/`, `layer_0/feedforward/{intermediate,output}/`, `layer_0/layer_norm/`,
`pooling/`, `head/`, and `encoder_of_<input>/<layer>/` of an input that encodes itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from modules.tflite.settings import Quantize, Recipe, Storage

_LAYERS = r"layer_\d+/"
_ENCODERS = r"encoder_of_[^/]+/"  # of inputs that encode themselves


class RecipeError(ValueError):
    """A recipe that does not exist, or is named twice."""


# An input's own convolutions. A rule without an operation to meet does nothing.
_CONVOLUTIONS = [Quantize(mode="dynamic", operation=name) for name in ("CONV_2D", "DEPTHWISE_CONV_2D")]
# Four bits take the plain scale of the largest weight: quantization-aware fine-tuning rounds with it, so what was
# trained is what is stored. `MSE` and `OCTAV` assume weights that are spread like a bell and miss that grid.
_EIGHT_BITS = [Quantize(mode="dynamic"), *_CONVOLUTIONS]
_FOUR_BITS = [*_EIGHT_BITS, Quantize(mode="dynamic", scope=_LAYERS, weight_bits=4)]
# The finite mask of the static recipes must not eat the range of the scores; what int8 breaks stays in float.
_STATIC_MASK = -30.0


def _static(activation_bits: Literal[8, 16]) -> list[Quantize]:
    return [
        Quantize(mode="static", scope=_LAYERS, operation="*", activation_bits=activation_bits),
        Quantize(mode="float", scope="layer_norm|embedding/|pooling/|head/", operation="*"),
        Quantize(mode="float", operation="SOFTMAX"),
        Quantize(mode="float", operation="GELU"),
        # The converter folds a norm's gain into the product behind it, whose name then holds both scopes.
        Quantize(mode="static", scope=rf"{_LAYERS}\S*/MatMul", activation_bits=activation_bits),
    ]


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="float32"),
        Recipe(name="float16", float16=True),
        Recipe(name="dynamic_wi8_afp32", embedding=Storage(bits="int8"), quantize=_EIGHT_BITS),
        Recipe(name="dynamic_wi8_afp32_e4", embedding=Storage(bits="int4"), quantize=_EIGHT_BITS),
        Recipe(name="dynamic_wi4_afp32", embedding=Storage(bits="int4"), quantize=_FOUR_BITS),
        Recipe(
            name="dynamic_wi4_afp32_e4r2",
            embedding=Storage(bits="int4", rare_bits="int2", block=64),
            quantize=_FOUR_BITS,
        ),
        Recipe(
            # The attention's products are smaller and more sensitive than the feed-forward's.
            name="dynamic_wi48_afp32_e4",
            embedding=Storage(bits="int4"),
            quantize=[
                *_EIGHT_BITS,
                Quantize(mode="dynamic", scope=rf"{_LAYERS}feedforward", weight_bits=4),
            ],
        ),
        Recipe(
            # Whole numbers from the pixels to the vector, for accelerators; a text beside it as in dynamic_wi8_afp32.
            name="image_wi8_ai8",
            embedding=Storage(bits="int8"),
            quantize=[
                Quantize(mode="dynamic"),
                Quantize(mode="static", scope=_ENCODERS, operation="*"),
                Quantize(mode="float", scope=rf"{_ENCODERS}\w*scaled|{_ENCODERS}present", operation="*"),
            ],
        ),
        Recipe(name="weight_only_wi8_afp32", embedding=Storage(bits="int8"), quantize=[Quantize(mode="weight_only")]),
        Recipe(
            name="static_wi8_ai8",
            embedding=Storage(bits="int8"),
            mask_value=_STATIC_MASK,
            quantize=_static(8),
        ),
        Recipe(
            name="static_wi8_ai16",
            embedding=Storage(bits="int8"),
            mask_value=_STATIC_MASK,
            quantize=_static(16),
        ),
    )
}


def resolve(names: Sequence[str], custom: Iterable[Recipe] = ()) -> list[Recipe]:
    """The recipes that a configuration asks for.

    Args:
        names: names from the catalogue or of `custom` recipes, without repetition.
        custom: recipes of the configuration's own; one with a catalogue's name replaces it.

    Returns:
        The recipes in the order of `names`.

    Raises:
        RecipeError: an unknown or repeated name.
    """
    known = {**RECIPES, **{recipe.name: recipe for recipe in custom}}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RecipeError(f"unknown recipe {unknown[0]!r}; known are {', '.join(known)}.")
    if len(set(names)) != len(names):
        raise RecipeError(f"a recipe is named twice: {', '.join(names)}.")
    return [known[name] for name in names]
