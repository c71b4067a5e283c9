"""`modules.network.fusion`: where inputs meet, in training and in a file for a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from modules.inputs import kinds as inputs_lib
from modules.network.architecture import Architecture
from modules.network.fusion.attention import Attention
from modules.network.fusion.base import fuse, made
from modules.network.fusion.concat import Concat
from modules.network.fusion.gated import Gated
from modules.network.fusion.kinds import FUSIONS
from modules.network.joined import Joined
from modules.network.logits import split_logits
from modules.network.model import build_model
from modules.network.trained import CheckpointError, Trained, load_trained, read_architecture, save_trained
from modules.network.weights import read_weights
from modules.registry import UnknownKindError
from modules.rows.transformed import Examples
from modules.student.distillation import Tapped
from modules.targets.one_label.device import LabelOutput
from modules.tensors import Layout
from modules.tflite import parity
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES
from modules.training.settings import TrainerSettings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from pydantic import ValidationError

import tests.toys.letter_count  # noqa: F401  (registers its kind)
from tests.unit import compression_helpers as helpers

TABLE: dict[str, dict[str, Any]] = {
    "price": {"kind": "number", "column": "price", "width": 6, "learnt": {"mean": 0.0, "factor": 1.0}},
    "shop": {"kind": "category", "column": "shop", "width": 5, "learnt": {"values": ["a", "b", "c"]}},
}
OTHERS = ("gated", "attention")


def network(kind: str, *, text: bool = True, seed: int = 0) -> Trained:
    """A network with random weights: a text with a number and a category, or these alone."""
    fusion = {} if kind == "concat" else {"kind": kind, "width": 8}
    if text:
        return helpers.random_trained(seed, inputs=TABLE, fusion=fusion)
    shapes = Architecture.without_backbone(num_classes=2, inputs=TABLE, target="one_label", fusion=fusion)
    model, chance = build_model(shapes, dropout=0.0), np.random.default_rng(seed)
    model.set_weights([chance.normal(0, 0.3, array.shape) for array in model.get_weights()])
    return Trained(model, shapes, [], ["bad", "good"])


def rows(count: int, *, text: bool = True) -> Examples:
    chance = np.random.default_rng(3)
    table = {
        "price_number": chance.normal(0, 2, (count, 2)).astype(np.float32),
        "shop_category": chance.integers(0, 5, count).astype(np.int32),
    }
    labels = chance.integers(0, 2, count).astype(np.int32)
    of_text = helpers.examples(count) if text else Examples({}, labels)
    return Examples({**of_text.features, **table}, labels, of_text.windows, of_text.mask)


def layout(*, text: bool = True) -> Layout:
    table = inputs_lib.layout(inputs_lib.read(TABLE))
    of_text = helpers.text_layout()
    return Layout((*of_text.tensors, *table.tensors), of_text.mask) if text else table


def test_one_vector_stays_the_very_tensor_that_it_was() -> None:
    vector = tf_keras.Input([3])
    assert fuse(Concat(), [(vector,)]) is vector


def test_several_vectors_stand_side_by_side_in_their_order() -> None:
    one, other = tf_keras.Input([2]), tf_keras.Input([1])
    model = tf_keras.Model([one, other], fuse(Concat(), [(one,), (other,)]))
    assert model([tf.constant([[1.0, 2.0]]), tf.constant([[3.0]])]).numpy().tolist() == [[1.0, 2.0, 3.0]]
    assert model.layers[-1].name == "fusion"


def test_a_gate_begins_even_handed_and_its_weights_decide_what_goes_on() -> None:
    layer, values = Gated(width=4), [(tf.constant([[1.0, -2.0]]),), (tf.constant([[3.0]]),)]
    layer(values)
    assert layer.shares(values).numpy().tolist() == [[0.5, 0.5]]
    layer.gate.bias.assign([20.0, -20.0])
    np.testing.assert_allclose(layer(values), layer.projections[0](values[0][0]), atol=1e-6)
    layer.gate.bias.assign([0.0, 0.0])
    layer.gate.kernel.assign([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    small, large = (float(layer.shares([values[0], (tf.constant([[of]]),)])[0, 1]) for of in (-3.0, 3.0))
    assert small < 0.1 < 0.9 < large, "the weights are a row's own"


def test_attention_reads_the_parts_that_count_and_no_others() -> None:
    layer, chance = Attention(width=8), np.random.default_rng(0)
    parts = tf.constant(chance.normal(0, 1, (1, 3, 5)), tf.float32)
    text = (tf.reduce_mean(parts[:, :2], axis=1), parts, tf.constant([[1, 1, 0]]))
    values = [text, (tf.constant([[1.0, 2.0]]),)]
    before = layer(values)
    assert before.shape == (1, 16)
    padding = parts + tf.constant([[[0.0], [0.0], [9.0]]])
    word = parts + tf.constant([[[9.0], [-9.0], [0.0]]])  # the same mean, other words
    np.testing.assert_allclose(layer([(text[0], padding, text[2]), values[1]]), before, atol=1e-6)
    assert np.abs(layer([(text[0], word, text[2]), values[1]]) - before).max() > 1e-2
    shares = layer.shares(values).numpy()
    assert shares.shape == (1, 2)
    assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("kind", FUSIONS.own)
def test_a_file_computes_what_the_network_computes_with_each_fusion(kind: str, text: bool) -> None:
    trained, some = network(kind, text=text), rows(24, text=text)
    expected = LabelOutput().expected(split_logits(trained.model, some), ())
    weights = read_weights(trained.model)
    assert weights.count() == trained.model.count_params()
    for recipe, atol in (("float32", 1e-5), ("dynamic_wi8_afp32", 8e-2)):
        file = convert(weights, trained.architecture, RECIPES[recipe], layout=layout(text=text), windows=(8,))
        got = parity.run(file.content, some.features, layout(text=text), LabelOutput())
        np.testing.assert_allclose(got, expected, atol=atol, err_msg=recipe)


@pytest.mark.parametrize("kind", FUSIONS.own)
def test_what_a_student_learns_by_is_the_network_itself_with_each_fusion(kind: str, tmp_path: Path) -> None:
    trained, some = network(kind), rows(6)
    logits, states = Tapped(trained.model)(
        {name: tf.constant(of) for name, of in some.features.items()}, training=False
    )
    np.testing.assert_allclose(logits, split_logits(trained.model, some), atol=1e-5)
    assert len(states) == 3
    save_trained(
        str(tmp_path), trained.model, trained.architecture, vocabulary=trained.vocabulary, labels=trained.labels
    )
    again = load_trained(str(tmp_path))
    assert again.architecture == trained.architecture
    np.testing.assert_allclose(split_logits(again.model, some), logits, atol=1e-6)


@pytest.mark.parametrize("kind", OTHERS)
def test_the_shares_of_a_row_are_those_that_its_answer_came_from(kind: str) -> None:
    trained, some = network(kind, text=False), rows(8, text=False)
    features = {name: tf.constant(values) for name, values in some.features.items()}
    joined = Joined(trained.model)
    values = joined.values(features)
    shares = joined.shares(values).numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(joined.logits(values), split_logits(trained.model, some), atol=1e-6)
    with pytest.raises(NotImplementedError):
        Joined(network("concat", text=False).model).shares(values)


def test_a_fusion_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(UnknownKindError, match="'gatd' is no kind of fusion; there are: attention, concat, gated"):
        made({"kind": "gatd", "width": 8})
    with pytest.raises(ValidationError, match="multiple of 4"):
        TrainerSettings(fusion_width=30)


def test_inputs_that_encode_themselves_are_a_network_without_a_backbone_saved_and_built_again(tmp_path: Path) -> None:
    sections = {
        name: {"kind": "letter_count", "column": "title", "letters": letters, "width": 3}
        for name, letters in (("vowels", "ae"), ("rare", "xyz"))
    }
    architecture = Architecture.without_backbone(num_classes=2, inputs=sections, target="one_label")
    model = build_model(architecture, dropout=0.0)
    assert set(model.input) == {"vowels_counts", "rare_counts"}
    assert model.get_layer("fusion").output_shape == (None, 6)
    folder = str(tmp_path / "training")
    save_trained(folder, model, architecture, vocabulary=[], labels=["a", "b"])
    again = load_trained(folder)
    assert (again.architecture, again.vocabulary, again.labels) == (architecture, [], ["a", "b"])
    rows = {"vowels_counts": tf.constant([[1.0, 2.0]]), "rare_counts": tf.constant([[0.0, 1.0, 4.0]])}
    assert again.model(rows).numpy().tolist() == model(rows).numpy().tolist()


def test_the_architecture_of_a_text_says_no_more_than_it_did(tmp_path: Path) -> None:
    shape: dict[str, Any] = {
        "vocabulary_size": 9,
        "num_layers": 1,
        "num_heads": 1,
        "hidden_dim": 4,
        "intermediate_dim": 4,
    }
    text = Architecture(**shape, max_sequence_length=8, num_classes=2)
    assert not {"inputs", "target", "encoded", "fusion"} & set(text.to_dict())
    assert Architecture.from_dict(text.to_dict()).encoded == "text"
    fused = dataclasses.replace(text, fusion={"kind": "gated", "width": 8})
    assert Architecture.from_dict(fused.to_dict()) == fused
    with pytest.raises(CheckpointError, match=r"architecture.json cannot be read"):
        read_architecture(str(tmp_path))
