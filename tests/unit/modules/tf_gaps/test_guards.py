"""Each gap fails loudly when TensorFlow, Keras or KerasTuner goes another way."""

from __future__ import annotations

from pathlib import Path

from modules.tf_gaps import attention, fused_adamw, matrix_pruning, profile_table
from modules.tf_gaps.guard import GapError
from modules.tf_gaps.hyperband_trials import hyperband_trials

import keras_tuner
import pytest
import tensorflow as tf
import tf_keras


def search(folder: Path) -> keras_tuner.Hyperband:
    def build(hp: keras_tuner.HyperParameters) -> tf_keras.Model:
        hp.Float("rate", 0.1, 0.2)
        model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(1,))])
        model.compile("sgd", "mse")
        return model

    return keras_tuner.Hyperband(build, "loss", max_epochs=3, directory=str(folder))


def test_a_hyperband_with_other_brackets_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = search(tmp_path)
    assert hyperband_trials(made) == 6
    kind = type(made.oracle)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "populate_space", lambda self, trial_id: {"status": "STOPPED"})
        with pytest.raises(GapError, match=r"keras-tuner .* no longer goes through _get_size"):
            hyperband_trials(made)
    monkeypatch.delattr(kind, "_get_num_rounds")
    with pytest.raises(GapError, match=r"has no HyperbandOracle\._get_num_rounds"):
        hyperband_trials(made)


def test_a_keras_that_would_decay_twice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf_keras.optimizers.Optimizer, "apply_gradients", lambda self, pairs, name=None: None)
    with pytest.raises(GapError, match=r"tf-keras .* no longer goes through _apply_weight_decay"):
        fused_adamw.FusedAdamW(0.1, weight_decay=0.1).build([tf.Variable(1.0)])


def test_a_tensorflow_without_the_table_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "a.xplane.pb"
    file.write_bytes(b"")
    with pytest.raises(GapError, match="has no table no_such_table"):
        profile_table.profile_table(str(file), "no_such_table")
    monkeypatch.setattr(profile_table, "_MODULE", "tensorflow.python.profiler.internal.gone")
    with pytest.raises(GapError, match=r"tensorflow .* has no tensorflow\.python\.profiler\.internal\.gone"):
        profile_table.profile_table(str(file), "framework_op_stats")


def test_a_keras_whose_attention_goes_another_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf_keras.layers.MultiHeadAttention, "call", lambda self, query, value: query)
    with pytest.raises(GapError, match=r"tf-keras .* no longer goes through _build_from_signature"):
        attention.SelfAttention(2, 4).build_for((None, None, 8))


def test_a_tfmot_that_masks_in_another_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_pruning.pruning_impl.Pruning, "conditional_mask_update", lambda self: None)
    with pytest.raises(GapError, match=r"tensorflow-model-optimization .* no longer goes through _maybe_update_block"):
        matrix_pruning.MatrixPruning(lambda: 0, [], None, (1, 1), None, {})
