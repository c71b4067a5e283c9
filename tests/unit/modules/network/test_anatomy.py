"""`modules.network.anatomy`: who prunes, rounds, cuts, distils or explains needs an encoder's anatomy and no more."""

from __future__ import annotations

from modules.inputs.text import attribution
from modules.inputs.text.input import Text
from modules.network import anatomy
from modules.network.architecture import ENCODER
from modules.network.bert import BertAnatomy
from modules.network.model import build_model
from modules.network.trained import Trained
from modules.network.weights import read_weights, write_weights
from modules.student import structured
from modules.student.distillation import Tapped
from modules.targets.one_label.distillation import LabelDistillation

import numpy as np
import pytest
import tf_keras

from tests.toys import encoder as toy
from tests.unit import compression_helpers as helpers

SHAPE = {"num_layers": 2, "num_heads": 4, "hidden_dim": 32, "intermediate_dim": 64}


@pytest.fixture(scope="module")
def trained() -> Trained:
    """An encoder with other names, with large random weights."""
    architecture = helpers.architecture(**SHAPE)
    model = toy.classifier(architecture)
    chance = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(chance.normal(1 if "gamma" in weight.name else 0, 0.3, weight.shape))
    return Trained(model, architecture, list(helpers.VOCABULARY), ["bad", "good"])


def test_parts_have_the_same_names_whatever_the_library_calls_them(trained: Trained) -> None:
    theirs = anatomy.of(build_model(trained.architecture, dropout=0.0))
    own = anatomy.of(trained.model)
    assert isinstance(own, toy.ToyAnatomy)
    assert isinstance(theirs, BertAnatomy)
    assert [kernel.name for kernel in own.kernels(["*"])] == [kernel.name for kernel in theirs.kernels(["*"])]
    assert [kernel.matrix_shape for kernel in own.kernels()] == [kernel.matrix_shape for kernel in theirs.kernels()]
    for mine, other in zip(own.layers, theirs.layers, strict=True):
        assert mine.heads.kernel.shape == other.heads.kernel.shape == (4, 8, 32)
        assert mine.neurons.kernel.shape == other.neurons.kernel.shape == (64, 32)


def test_a_student_is_cut_out_of_an_encoder_of_another_library(trained: Trained) -> None:
    """Where all stays, the student is the same function; where half goes, it has half."""
    rows = helpers.examples(24)
    features = rows.features
    importance = structured.measure_importance(trained.model, [(features, rows.labels)], LabelDistillation().plain_loss)
    weights = read_weights(trained.model)
    whole = structured.make_plan(importance, layers=2)
    arrays, architecture = structured.rebuild(weights, trained.architecture, whole)
    student = build_model(architecture, dropout=0.0)
    write_weights(student, arrays)
    expected = trained.model.predict(features, verbose=0)
    assert np.abs(student.predict(features, verbose=0) - expected).max() < 1e-5
    assert expected.std(axis=0).min() > 0.01, "the texts get different answers"
    half = structured.make_plan(importance, layers=2, heads=0.5, neurons=0.5)
    _, smaller = structured.rebuild(weights, trained.architecture, half)
    assert (smaller.heads, smaller.intermediate_dims) == ((2, 2), (32, 32))


def test_hidden_states_and_attention_are_those_of_the_same_weights_in_bert(trained: Trained) -> None:
    bert = build_model(trained.architecture, dropout=0.0)
    write_weights(bert, read_weights(trained.model))
    features = helpers.examples(6).features
    mask = features["padding_mask"]
    own, theirs = Tapped(trained.model), Tapped(bert)
    (logits, states), (wanted, wanted_states) = (tapped(features, training=False) for tapped in (own, theirs))
    np.testing.assert_allclose(logits, wanted, atol=1e-4)
    for index, (state, other) in enumerate(zip(states, wanted_states, strict=True)):
        kept = mask.astype(bool)
        np.testing.assert_allclose(state.numpy()[kept], other.numpy()[kept], atol=1e-4)
        if index < 2:
            found = own.attention(index, states, mask).numpy()
            assert found.shape == (6, 4, 16, 16)
            np.testing.assert_allclose(found, theirs.attention(index, wanted_states, mask), atol=1e-4)


def test_a_decision_is_explained_as_the_same_weights_in_bert_are(trained: Trained) -> None:
    bert = build_model(trained.architecture, dropout=0.0)
    write_weights(bert, read_weights(trained.model))
    same = Trained(bert, trained.architecture, trained.vocabulary, trained.labels)
    text = Text(name="text", sequence_length=helpers.LENGTH, backbone={"kind": "scratch"})
    one, other = (
        attribution.explain(text, which, ["good film bad"], [1], [0], fixed=[{}])[0] for which in (trained, same)
    )
    assert one.margin == pytest.approx(other.margin, abs=1e-4)
    assert [span.weight for span in one.spans] == pytest.approx([span.weight for span in other.spans], abs=1e-3)


def test_a_part_that_is_written_through_the_anatomy_is_the_networks_own() -> None:
    model = build_model(helpers.architecture(**SHAPE), dropout=0.0)
    features = helpers.examples(4).features
    before = model.predict(features, verbose=0)
    kernel = anatomy.of(model).kernels(["layer_1/feedforward/output"])[0]
    kernel.variable.assign(kernel.variable * 0.0)
    assert anatomy.of(model).sparsity(["layer_1/*/output"]) == {
        "layer_1/attention/output": 0.0,
        "layer_1/feedforward/output": 1.0,
    }
    assert np.abs(model.predict(features, verbose=0) - before).max() > 0


def test_an_encoder_that_nobody_knows_is_told_with_the_kinds_that_there_are() -> None:
    ids = tf_keras.Input([None], dtype="int32")
    inner = tf_keras.Model(ids, tf_keras.layers.Embedding(5, 4)(ids), name=ENCODER)
    with pytest.raises(anatomy.AnatomyError, match=r"unknown; there are anatomies for: bert"):
        anatomy.of(tf_keras.Model(ids, inner(ids)))


def test_a_pattern_that_matches_nothing_lists_the_kernels() -> None:
    model = build_model(helpers.architecture(num_layers=1), dropout=0.0)
    with pytest.raises(ValueError, match=r"'layer_9/\*' matches none of embedding/token, layer_0/attention/query"):
        anatomy.of(model).kernels(["layer_9/*"])
