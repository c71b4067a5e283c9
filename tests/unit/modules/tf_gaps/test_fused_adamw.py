import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.fused_adamw import FusedAdamW

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

ROWS = [[0, 2, 2], [1, 0, 3], [4, 4, 4]]


def _trained(optimizer_class: type, *, policy: str = "float32", strategy: tf.distribute.Strategy | None = None) -> list:
    """Weights after three steps of a network with an embedding (sparse gradients), a kernel and a bias."""
    strategy = strategy or tf.distribute.get_strategy()
    tf_keras.utils.set_random_seed(3)
    tf_keras.mixed_precision.set_global_policy(policy)
    try:
        with strategy.scope():
            model = tf_keras.Sequential(
                [
                    tf_keras.layers.Embedding(6, 4),
                    tf_keras.layers.GlobalAveragePooling1D(),
                    tf_keras.layers.Dense(2, dtype="float32"),
                ]
            )
            optimizer = optimizer_class(0.05, weight_decay=0.1, global_clipnorm=1.0, epsilon=1e-6)
            optimizer.exclude_from_weight_decay(var_names=["bias"])
            loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(optimizer, loss, jit_compile=False)
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    data = tf.data.Dataset.from_tensor_slices((tf.constant(ROWS * 2), tf.constant([0, 1, 1] * 2))).batch(2)
    model.fit(data, epochs=1, verbose=0)
    return [*model.get_weights(), *(variable.numpy() for variable in model.optimizer.variables)]


def _two_devices() -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices("CPU")])


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_it_trains_as_keras_own_under_every_precision(policy: str):
    ours, keras = (_trained(kind, policy=policy) for kind in (FusedAdamW, tf_keras.optimizers.AdamW))
    assert len(ours) == len(keras)
    for one, other in zip(ours, keras, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_it_trains_as_keras_own_on_several_replicas():
    ours, keras = (_trained(kind, strategy=_two_devices()) for kind in (FusedAdamW, tf_keras.optimizers.AdamW))
    for one, other in zip(ours, keras, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_a_variable_without_a_gradient_in_a_row_still_moves_by_its_momentum():
    variable = tf.Variable(tf.ones([3, 2]))
    optimizer = FusedAdamW(0.1, weight_decay=0.0)
    optimizer.build([variable])
    optimizer.apply_gradients([(tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.constant([3, 2])), variable)])
    before = variable.numpy()
    optimizer.apply_gradients([(tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1]), tf.constant([3, 2])), variable)])
    assert (variable.numpy()[0] < before[0]).all()
    assert (variable.numpy()[2] == 1.0).all()


def test_it_is_restored_from_its_configuration():
    optimizer = FusedAdamW(0.1, weight_decay=0.2, global_clipnorm=1.0, epsilon=1e-6)
    again = tf_keras.optimizers.deserialize(tf_keras.optimizers.serialize(optimizer))
    assert isinstance(again, FusedAdamW)
    assert again.get_config() == optimizer.get_config()


def test_amsgrad_is_refused():
    optimizer = FusedAdamW(0.1, amsgrad=True)
    variable = tf.Variable([1.0])
    with pytest.raises(NotImplementedError, match="amsgrad"):
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
