"""`modules.network.fusion`: where inputs meet."""

from __future__ import annotations

from pathlib import Path

from modules.device.records import device_steps
from modules.network.architecture import Architecture
from modules.network.fusion import concat
from modules.network.model import build_model
from modules.network.trained import CheckpointError, load_trained, read_architecture, save_trained

import pytest
import tensorflow as tf
import tf_keras

import tests.toys.letter_count  # noqa: F401  (registers its kind)


def test_one_vector_stays_the_very_tensor_that_it_was() -> None:
    vector = tf_keras.Input([3])
    assert concat([vector]) is vector


def test_several_vectors_stand_side_by_side_in_their_order() -> None:
    one, other = tf_keras.Input([2]), tf_keras.Input([1])
    model = tf_keras.Model([one, other], concat([one, other]))
    assert model([tf.constant([[1.0, 2.0]]), tf.constant([[3.0]])]).numpy().tolist() == [[1.0, 2.0, 3.0]]
    assert model.layers[-1].name == "fusion"


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
    with pytest.raises(ValueError, match="no device can compute a network without a backbone"):
        device_steps(folder, {})


def test_the_architecture_of_a_text_says_no_more_than_it_did(tmp_path: Path) -> None:
    shape = {"vocabulary_size": 9, "num_layers": 1, "num_heads": 1, "hidden_dim": 4, "intermediate_dim": 4}
    text = Architecture(**shape, max_sequence_length=8, num_classes=2)
    assert not {"inputs", "target", "encoded"} & set(text.to_dict())
    assert Architecture.from_dict(text.to_dict()).encoded == "text"
    with pytest.raises(CheckpointError, match=r"architecture.json cannot be read"):
        read_architecture(str(tmp_path))
