"""`modules.network.fusion`: where inputs meet."""

from __future__ import annotations

import modules  # noqa: F401
from modules.network.fusion import concat

import tensorflow as tf
import tf_keras


def test_one_vector_stays_the_very_tensor_that_it_was() -> None:
    vector = tf_keras.Input([3])
    assert concat([vector]) is vector


def test_several_vectors_stand_side_by_side_in_their_order() -> None:
    one, other = tf_keras.Input([2]), tf_keras.Input([1])
    model = tf_keras.Model([one, other], concat([one, other]))
    assert model([tf.constant([[1.0, 2.0]]), tf.constant([[3.0]])]).numpy().tolist() == [[1.0, 2.0, 3.0]]
    assert model.layers[-1].name == "fusion"
