"""`modules.preprocessing`: raw features to model features, eagerly and in Transform's graph."""

from __future__ import annotations

import copy
from typing import Any

import modules  # noqa: F401
from modules.preprocessing import preprocessing_fn
from modules.targets.one_label.target import label_ids
from modules.text.tokenization import load_vocabulary, wordpiece

import pytest
import tensorflow as tf


def features(settings: dict[str, Any], texts: list[str], labels: list[str]) -> dict[str, Any]:
    inputs = {"text": tf.constant([[text] for text in texts]), "label": tf.constant([[label] for label in labels])}
    return {name: value.numpy().tolist() for name, value in preprocessing_fn(inputs, settings).items()}


def test_texts_become_ids_and_labels_their_places(transform_settings: dict[str, Any]) -> None:
    found = features(transform_settings, ["Good film", ""], ["good", "bad"])
    tokens = load_vocabulary(transform_settings["inputs"]["text"]["backbone"]["vocabulary"])
    ids = [tokens.index(token) for token in ("[CLS]", "good", "film", "[SEP]")]
    assert found["token_ids"][0] == ids + [tokens.index("[PAD]")] * 12
    assert found["padding_mask"] == [[1] * 4 + [0] * 12, [1] * 2 + [0] * 14]
    assert found["label_id"] == [1, 0]


def test_the_types_fit_tf_example(transform_settings: dict[str, Any]) -> None:
    inputs = {"text": tf.constant([["a"]]), "label": tf.constant([["good"]])}
    result = preprocessing_fn(inputs, transform_settings)
    assert {name: value.dtype for name, value in result.items()} == dict.fromkeys(result, tf.int64)
    assert {name: value.shape.as_list() for name, value in result.items()} == {
        "token_ids": [1, 16], "padding_mask": [1, 16], "label_id": [1],
    }  # fmt: skip


def test_the_columns_may_have_other_names_and_others_are_ignored(transform_settings: dict[str, Any]) -> None:
    settings = copy.deepcopy(transform_settings)
    settings["inputs"]["text"]["column"], settings["target"]["column"] = "body", "mood"
    inputs = {"body": tf.constant([["good"]]), "mood": tf.constant([["bad"]]), "text": tf.constant([["x"]])}
    expected = features(transform_settings, ["good"], ["bad"])
    result = preprocessing_fn(inputs, settings)
    assert {name: value.numpy().tolist() for name, value in result.items()} == expected


def test_a_long_text_is_cut_to_the_window(transform_settings: dict[str, Any]) -> None:
    [mask] = features(transform_settings, ["good " * 1000], ["bad"])["padding_mask"]
    assert mask == [1] * 16


def test_ids_are_those_of_every_other_place_that_tokenises(transform_settings: dict[str, Any]) -> None:
    texts = ["CAFÉ naïve", "a\x00b", "中文 🙂", "[CLS] is a word", "don't"]
    expected, _ = wordpiece(
        tf.constant(texts), load_vocabulary(transform_settings["inputs"]["text"]["backbone"]["vocabulary"]), 16
    )
    assert features(transform_settings, texts, ["good"] * 5)["token_ids"] == expected.numpy().tolist()


@pytest.mark.parametrize(
    ("names", "labels", "ids"),
    [
        (["good", "bad"], ["bad", "good"], [1, 0]),
        (["neutral", "", "Good", "good "], ["bad", "good"], [-1, -1, -1, -1]),
        (["c", "b", "a"], ["a", "b", "c"], [2, 1, 0]),
        (["schön"], ["bad", "schön"], [1]),
    ],
)
def test_a_label_that_the_configuration_does_not_name_gets_no_valid_id(
    names: list[str], labels: list[str], ids: list[int]
) -> None:
    found = label_ids(tf.constant(names), labels)
    assert found.dtype == tf.int64
    assert found.numpy().tolist() == ids


def test_no_labels_at_all_are_no_error() -> None:
    assert label_ids(tf.constant([], tf.string), ["a", "b"]).numpy().tolist() == []


def test_transforms_graph_gives_the_same_features_as_the_function(
    transform_graph: str, transform_settings: dict[str, Any]
) -> None:
    import tensorflow_text  # noqa: F401
    import tensorflow_transform as tft

    layer = tft.TFTransformOutput(transform_graph).transform_features_layer()
    texts, labels = ["Good film", "", "awful CAFÉ"], ["good", "bad", "neutral"]
    result = layer(
        {
            "text": tf.constant([[text] for text in texts]),
            "label": tf.constant([[label] for label in labels]),
            "number": tf.constant([[1.5], [0.0], [3.0]]),
        }
    )
    for name, expected in features(transform_settings, texts, labels).items():
        assert result[name].numpy().tolist() == expected
    assert result["number"].numpy().tolist() == [[0.5], [0.0], [1.0]]
