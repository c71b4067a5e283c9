"""`modules.network.layers` and `modules.tf_gaps.attention`: Keras' functions and weights, computed in another way."""

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.layers import LayerNormalization, gelu
from modules.tf_gaps.attention import SelfAttention

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

INPUTS = np.random.default_rng(0).normal(size=(3, 7, 32)).astype(np.float32)
MASK = np.random.default_rng(1).random((3, 7, 7)) > 0.3


def _pair(**settings) -> tuple[tf_keras.layers.MultiHeadAttention, SelfAttention]:
    """Keras' layer and ours with the same weights."""
    keras, ours = (kind(4, 8, **settings) for kind in (tf_keras.layers.MultiHeadAttention, SelfAttention))
    for layer in (keras, ours):
        layer(INPUTS, INPUTS)
    ours.set_weights([np.random.default_rng(2).normal(size=value.shape) for value in keras.get_weights()])
    keras.set_weights(ours.get_weights())
    return keras, ours


def _outputs_and_gradients(layer, mask) -> list[np.ndarray]:
    inputs = tf.constant(INPUTS)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output, scores = layer(inputs, inputs, attention_mask=mask, return_attention_scores=True)
        loss = tf.reduce_mean(tf.square(output))
    return [output, scores, *tape.gradient(loss, [inputs, *layer.trainable_variables])]


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_outputs_scores_and_gradients_are_those_of_keras(mask, use_bias):
    keras, ours = _pair(use_bias=use_bias)
    expected, found = (_outputs_and_gradients(layer, mask) for layer in (keras, ours))
    assert len(found) == (11 if use_bias else 7)
    for one, other in zip(expected, found, strict=True):
        # The gradient of the key's bias is 0 but for rounding: softmax does not see a constant.
        np.testing.assert_allclose(other, one, rtol=2e-4, atol=2e-6 + 2e-4 * np.abs(one).max())


def test_names_shapes_and_order_of_the_weights_are_those_of_keras():
    keras, ours = _pair(name="attention")
    assert [(weight.name, weight.shape) for weight in ours.weights] == [(w.name, w.shape) for w in keras.weights]


def test_no_einsum_is_left_forward_or_backward():
    _, ours = _pair()
    function = tf.function(lambda: _outputs_and_gradients(ours, MASK)).get_concrete_function()
    assert "Einsum" not in {operation.type for operation in function.graph.get_operations()}


def test_dropout_works_in_training_only_and_a_batch_may_have_any_length():
    _, ours = _pair(dropout=0.5)
    once, again = (ours(INPUTS, INPUTS, training=True).numpy() for _ in range(2))
    assert np.abs(once - again).max() > 0.01
    whole = ours(INPUTS[:, :5], INPUTS[:, :5], training=False)
    dynamic = tf.function(lambda x: ours(x, x), input_signature=[tf.TensorSpec([None, None, 32])])
    np.testing.assert_allclose(dynamic(INPUTS[:, :5]), whole, atol=1e-4)


def test_it_comes_back_from_its_configuration():
    _, ours = _pair(dropout=0.25)
    again = SelfAttention.from_config(ours.get_config())
    again(INPUTS, INPUTS)
    again.set_weights(ours.get_weights())
    np.testing.assert_allclose(again(INPUTS, INPUTS), ours(INPUTS, INPUTS), atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_it_computes_in_the_type_of_its_policy_and_keeps_float32_weights(policy):
    layer = SelfAttention(4, 8, dtype=tf_keras.mixed_precision.Policy(policy))
    assert layer(INPUTS, INPUTS).dtype == policy.removeprefix("mixed_")
    assert {weight.dtype for weight in layer.weights} == {tf.float32}


# Layer normalization and GELU


def _value_and_gradients(function, variables=()) -> list[np.ndarray]:
    inputs = tf.constant(INPUTS * 3 + 1)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = function(inputs)
        loss = tf.reduce_mean(tf.sin(output))  # a gradient that differs from place to place
    return [output, *tape.gradient(loss, [inputs, *variables])]


@pytest.mark.parametrize("epsilon", [1e-12, 1e-3])
def test_normalized_values_and_their_gradients_are_those_of_keras(epsilon: float):
    keras, ours = (
        kind(epsilon=epsilon, name="norm") for kind in (tf_keras.layers.LayerNormalization, LayerNormalization)
    )
    for layer in (keras, ours):
        layer.build(INPUTS.shape)
        layer.set_weights([np.linspace(0.5, 2, 32), np.linspace(-1, 1, 32)])
    assert [(weight.name, weight.shape) for weight in ours.weights] == [(w.name, w.shape) for w in keras.weights]
    expected, found = (_value_and_gradients(layer, layer.trainable_variables) for layer in (keras, ours))
    assert len(found) == 4
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4 * np.abs(one).max())


def test_gelu_and_its_gradient_are_those_of_tensorflow():
    expected, found = (_value_and_gradients(function) for function in (tf.nn.gelu, gelu))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_goes_in_and_comes_out_and_the_weights_stay_float32(policy: str):
    half = policy.removeprefix("mixed_")
    layer = LayerNormalization(dtype=tf_keras.mixed_precision.Policy(policy))
    inputs = tf.constant(INPUTS, half)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(gelu(layer(inputs)))
    assert layer(inputs).dtype == gelu(inputs).dtype == half
    assert {gradient.dtype for gradient in tape.gradient(loss, layer.trainable_variables)} == {tf.float32}
    np.testing.assert_allclose(tf.math.reduce_std(tf.cast(layer(inputs), tf.float32), axis=-1), 1.0, atol=0.02)
