"""`modules.network.bert`: a KerasNLP that keeps or calls the parts of a layer in another way is told, never used."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from modules.network import anatomy, bert
from modules.network.architecture import ENCODER
from modules.network.model import build_model
from modules.tf_gaps.guard import GapError

import keras_nlp
import pytest
import tf_keras

from tests.unit import compression_helpers as helpers

LAYER, ATTENTION = keras_nlp.layers.TransformerEncoder, tf_keras.layers.MultiHeadAttention
OUTER = (
    "_self_attention_layer", "_self_attention_layer_norm", "_feedforward_intermediate_dense",
    "_feedforward_output_dense", "_feedforward_layer_norm",
)  # fmt: skip
INNER = ("_query_dense", "_key_dense", "_value_dense", "_output_dense")


def build() -> tf_keras.Model:
    return build_model(helpers.architecture(num_layers=2), dropout=0.0)


def renamed(function: Callable[..., Any], old: str) -> FunctionType:
    """A function of a library as a version has it that calls a part by another name."""
    assert isinstance(function, FunctionType)
    code = function.__code__
    assert old in code.co_names
    names = tuple(f"{name}_2" if name == old else name for name in code.co_names)
    return FunctionType(code.replace(co_names=names), function.__globals__, function.__name__, function.__defaults__)


@pytest.mark.parametrize(
    ("owner", "name"), [*((LAYER, name) for name in OUTER), *((ATTENTION, name) for name in INNER)]
)
def test_a_library_that_calls_a_part_by_another_name_is_told(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exchanging or pruning the part that we know would change nothing of what the network does."""
    model = build()
    monkeypatch.setattr(owner, "call", renamed(owner.call, name))  # type: ignore[attr-defined]
    with pytest.raises(GapError, match=rf"no longer goes through {name} in .*\.call\. modules/network/bert\.py"):
        anatomy.of(model)


@pytest.mark.parametrize("name", [*OUTER, "normalize_first"])
def test_a_layer_without_a_part_is_told(name: str) -> None:
    model = build()
    layer = model.get_layer(ENCODER).get_layer("transformer_layer_1")
    part = getattr(layer, name)
    delattr(layer, name)
    if name != "normalize_first":
        layer.elsewhere = part
    with pytest.raises(GapError, match=rf"keras-nlp .* has no TransformerEncoder\.{name}"):
        anatomy.of(model)


def test_norms_before_the_blocks_are_told() -> None:
    """The gains that rounding goes by, and the states that a student learns from, would be others."""
    model = build()
    model.get_layer(ENCODER).get_layer("transformer_layer_1").normalize_first = True
    with pytest.raises(GapError, match="puts the layer norms of its BERT before the blocks"):
        anatomy.of(model)


def test_a_kernel_of_another_shape_is_told() -> None:
    model = build()
    layer = model.get_layer(ENCODER).get_layer("transformer_layer_0")
    fused = tf_keras.layers.Dense(4)
    fused.build((None, None, 8))
    layer._self_attention_layer._query_dense = fused
    with pytest.raises(GapError, match=r"attention/query with arrays of the ranks \[2, 1\], not two of which .* 3"):
        anatomy.of(model)


def test_a_backbone_of_other_layers_is_told_and_not_built_without_our_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be KerasNLP's own BERT: with tanh-GELU, and all its heads."""

    class Other(tf_keras.layers.Layer):
        """What a version might call its layers."""

    monkeypatch.setattr(bert.keras_nlp.layers, "TransformerEncoder", Other)
    with pytest.raises(GapError, match=r"builds a BERT of 2 layers with 0 TransformerEncoder in it"):
        build()


@pytest.mark.parametrize(
    ("name", "told"),
    [("segment_embedding", "no layer segment_embedding"), ("embeddings_dropout", "no layer embeddings_dropout")],
)
def test_an_encoder_whose_layers_have_other_names_is_told(name: str, told: str) -> None:
    model = build()
    encoder = model.get_layer(ENCODER)
    encoder.get_layer(name)._name = "another"
    with pytest.raises(GapError, match=rf"builds a BERT with {told}"):
        anatomy.of(model)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_todays_library_passes_and_gives_float32_masters(policy: str) -> None:
    model = build_model(helpers.architecture(num_layers=2), dropout=0.0, policy=policy)
    found = anatomy.of(model).kernels(["*"])
    assert len(found) == 1 + 2 * 6
    assert {kernel.variable.dtype.name for kernel in found} == {"float32"}
    assert not any(type(kernel.variable).__module__.startswith("tf_keras") for kernel in found)


def test_a_keras_whose_variables_hide_their_masters_elsewhere_is_told() -> None:
    """Assigning to the variable that casts would round the weights at every step."""

    class AutoCastVariable:
        """What a version might wrap a variable with."""

    AutoCastVariable.__module__ = "tf_keras.src.mixed_precision.autocast_variable"
    model = build()
    layer = model.get_layer(ENCODER).get_layer("transformer_layer_0")
    dense = layer._feedforward_output_dense
    kernel, cast = dense.kernel, AutoCastVariable()
    try:
        object.__setattr__(dense, "kernel", cast)
        with pytest.raises(GapError, match=r"tf-keras .* has no \S*AutoCastVariable\._variable\. modules/network"):
            anatomy.of(model).kernels()
    finally:
        object.__setattr__(dense, "kernel", kernel)
